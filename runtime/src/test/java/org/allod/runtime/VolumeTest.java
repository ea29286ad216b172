package org.allod.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.allod.base.MachineId;
import org.allod.linux.Command;
import org.allod.linux.Ext4;
import org.allod.linux.FileCopy;
import org.allod.linux.Mounts;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Volumes in real guests of both runtimes: mounted, kept, grown in use, quiesced, and left consistent. */
class VolumeTest {
    private static final long MIB = 1 << 20;
    private static final List<String> SLEEP = List.of("/bin/sleep", "1000");

    @TempDir
    Path folder;

    private GuestStartBench bench;
    private GuestRuntime runtime;
    private MachineId machine;

    @BeforeEach
    void open() {
        bench = new GuestStartBench(folder, "v" + ProcessHandle.current().pid());
        machine = bench.ids.machine();
    }

    @AfterEach
    void close() {
        runtime.remove(machine);
        assertThat(bench.traces(machine)).isEmpty();
        bench.close();
        assertThat(Mounts.all().toString()).doesNotContain(folder.toString());
    }

    private GuestSpec.Volume volume(String path) throws Exception {
        Path image = folder.resolve("disk.img");
        if (!Files.exists(image)) {
            size(image, 64 * MIB);
            Ext4.make(image);
        }
        return new GuestSpec.Volume("vol_0123456789abcdef", image, folder.resolve("mnt"), path, Optional.empty());
    }

    private static void size(Path image, long bytes) throws Exception {
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(bytes);
        }
    }

    private GuestSpec spec(List<String> argv, GuestSpec.Volume volume) {
        GuestSpec s = bench.spec(machine, argv);
        return new GuestSpec(
                        machine,
                        s.version(),
                        s.rootImage(),
                        1,
                        192,
                        64,
                        argv,
                        Map.of("PATH", "/bin"),
                        "/",
                        Optional.empty(),
                        false,
                        "guest",
                        List.of(),
                        s.network())
                .with(List.of(volume));
    }

    @Test
    void gvisor_volume_isKeptGrownAndHeldStill() throws Exception {
        runtime = new GVisorRuntime(bench.resources);
        keepsGrowsAndHolds();
    }

    @Test
    void microvm_volume_isKeptGrownAndHeldStill() throws Exception {
        Files.createSymbolicLink(
                bench.resources.config().tools().resolve("kernel"),
                GuestBinary.tools().resolve("kernel"));
        runtime = new MicroVmRuntime(bench.resources);
        keepsGrowsAndHolds();
    }

    private void keepsGrowsAndHolds() throws Exception {
        GuestSpec.Volume volume = volume("/var/lib/data");
        GuestSpec spec = spec(SLEEP, volume);
        Guest first = boot(spec);
        Guest guest = first;
        assertThat(said(
                        guest,
                        "echo kept > /var/lib/data/note; cat /var/lib/data/note; grep /var/lib/data /proc/mounts"))
                .startsWith("kept\n")
                .contains("nosuid");
        assertThat(guest.space(volume).bytes()).isBetween(48 * MIB, 64 * MIB);

        size(volume.image(), 160 * MIB);
        if (mayGrowInUse()) {
            guest.grow(volume, 160 * MIB);
        } else {
            assertThatThrownBy(() -> first.grow(volume, 160 * MIB)).hasMessageContaining("ermi");
            runtime.halt(machine);
            guest = boot(spec);
        }
        assertThat(guest.space(volume).bytes()).isBetween(120 * MIB, 160 * MIB);
        assertThat(said(
                        guest,
                        "dd if=/dev/zero of=/var/lib/data/big bs=1M count=100 2>/dev/null; ls -l /var/lib/data/big"))
                .contains("104857600");

        Path copy = folder.resolve("copy.img");
        QuiesceMode how = runtime.withVolumeQuiesced(machine, volume, still -> {
            var _ = FileCopy.copy(volume.image(), copy, bytes -> {});
            return still;
        });
        assertThat(how).isEqualTo(QuiesceMode.FROZEN);
        assertThat(said(guest, "echo more >> /var/lib/data/note; cat /var/lib/data/note"))
                .isEqualTo("kept\nmore\n");

        // Nothing was synced by anybody: ending it in order is enough.
        runtime.halt(machine);
        if (Files.exists(volume.mount())) {
            assertThat(Mounts.at(volume.mount())).isEmpty();
        }
        assertThat(said(boot(spec), "cat /var/lib/data/note")).isEqualTo("kept\nmore\n");

        // The copy is a volume of its own, as it was at that moment.
        runtime.halt(machine);
        Files.delete(volume.image());
        Files.move(copy, volume.image());
        assertThat(said(boot(spec), "cat /var/lib/data/note; ls /var/lib/data"))
                .startsWith("kept\n")
                .doesNotContain("more")
                .contains("big");
    }

    @Test
    void gvisor_suspended_resumesWithItsVolume() throws Exception {
        runtime = new GVisorRuntime(bench.resources);
        GuestSpec.Volume volume = volume("/data");
        GuestSpec spec =
                spec(List.of("/bin/sh", "-c", "exec 5>>/data/log; while :; do echo x >&5; sleep 0.05; done"), volume);
        Guest guest = boot(spec);
        assertThat(said(guest, "sleep 0.3; wc -l < /data/log").strip()).isNotEqualTo("0");
        runtime.suspend(spec);
        assertThat(Mounts.at(volume.mount())).isEmpty();
        Guest again = runtime.resume(spec);
        String before = said(again, "wc -l < /data/log").strip();
        assertThat(Integer.parseInt(said(again, "sleep 0.5; wc -l < /data/log").strip()))
                .isGreaterThan(Integer.parseInt(before));
    }

    @Test
    void microvm_suspended_resumesWithItsVolume_andLosesNothingWithItsMemory() throws Exception {
        Files.createSymbolicLink(
                bench.resources.config().tools().resolve("kernel"),
                GuestBinary.tools().resolve("kernel"));
        runtime = new MicroVmRuntime(bench.resources);
        GuestSpec.Volume volume = volume("/data");
        GuestSpec spec =
                spec(List.of("/bin/sh", "-c", "exec 5>>/data/log; while :; do echo x >&5; sleep 0.05; done"), volume);
        Guest guest = boot(spec);
        assertThat(said(guest, "echo first > /data/note; sleep 0.3; wc -l < /data/log")
                        .strip())
                .isNotEqualTo("0");
        for (int round = 0; round < 2; round++) {
            runtime.suspend(spec);
            guest = runtime.resume(spec);
            String before = said(guest, "wc -l < /data/log").strip();
            assertThat(Integer.parseInt(
                            said(guest, "sleep 0.5; wc -l < /data/log").strip()))
                    .isGreaterThan(Integer.parseInt(before));
            assertThat(guest.space(volume).bytes()).isBetween(48 * MIB, 64 * MIB);
        }
        // Nobody has synced this. Its memory dropped, the volume is what the guest had written, not what a power cut
        // left.
        said(guest, "echo second >> /data/note; dd if=/dev/zero of=/data/big bs=1M count=8 2>/dev/null");
        runtime.suspend(spec);
        Path copy = folder.resolve("copy.img");
        QuiesceMode how = runtime.withVolumeQuiesced(machine, volume, still -> {
            var _ = FileCopy.copy(volume.image(), copy, bytes -> {});
            return still;
        });
        assertThat(how).isEqualTo(QuiesceMode.IDLE);
        runtime.discardSuspended(machine);
        guest = boot(spec);
        assertThat(said(guest, "cat /data/note; stat -c %s /data/big")).isEqualTo("first\nsecond\n" + 8 * MIB + "\n");
        runtime.halt(machine);
        assertThat(Command.of("e2fsck", "-fn", volume.image().toString()).run().ok())
                .isTrue();

        // And so is a copy that was made while it slept.
        Files.delete(volume.image());
        Files.move(copy, volume.image());
        assertThat(said(boot(spec), "cat /data/note")).isEqualTo("first\nsecond\n");
    }

    @Test
    void gvisor_volumeInAFolderOfTheImage_leavesThatFolderAsItWas() throws Exception {
        runtime = new GVisorRuntime(bench.resources);
        Guest guest = boot(spec(SLEEP, volume("/www/data")));
        assertThat(said(guest, "cat /www/index.html; ls /www/data")).isEqualTo("hellolost+found\n");
    }

    /** The host's kernel asks for CAP_SYS_RESOURCE, which not every container has; a guest's own root has it. */
    private boolean mayGrowInUse() throws Exception {
        String line = Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(l -> l.startsWith("CapEff:"))
                .findFirst()
                .orElseThrow();
        boolean resource = (Long.parseUnsignedLong(line.substring(7).strip(), 16) & (1L << 24)) != 0;
        return resource || runtime instanceof MicroVmRuntime;
    }

    private Guest boot(GuestSpec spec) {
        runtime.prepare(spec);
        return runtime.boot(spec);
    }

    private static String said(Guest guest, String script) throws Exception {
        GuestStartBench.Ran ran = GuestStartBench.run(guest, "/bin/sh", "-c", script);
        assertThat(ran.exit()).as(ran.err()).isEqualTo(new ExitStatus(0, 0, false));
        return ran.out();
    }
}
