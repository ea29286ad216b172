package org.allod.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.allod.base.MachineId;
import org.allod.base.Poll;
import org.allod.base.SystemClock;
import org.allod.base.SystemTimers;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A virtual machine whose writes find no room on the host: on a small loop device, which needs root. */
class FullDiskMicroVmTest {
    private static final MachineId MACHINE = MachineId.of(0xa110d0000f11L);

    @TempDir
    Path folder;

    private static void run(String... command) throws Exception {
        assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
    }

    @Test
    void guest_thatTheFullDiskStopped_goesOnWithRoom_andHasLostNothing() throws Exception {
        Path data = Files.createDirectory(folder.resolve("data"));
        // Not one in memory: that would be counted as the virtual machine's own.
        Path disk = folder.resolve("disk.img");
        run("truncate", "--size=256M", disk.toString());
        run("mkfs.ext4", "-q", "-F", "-m", "0", disk.toString());
        run("mount", "-o", "loop", disk.toString(), data.toString());
        Path ballast = data.resolve("ballast");
        Files.write(ballast, new byte[170 << 20]);
        try (SystemTimers timers = new SystemTimers();
                RuntimeResources resources = new RuntimeResources(
                        RuntimeConfig.of(data, GuestBinary.tools(), NetworkConfig.closed("vmfull")),
                        new SystemClock(),
                        timers)) {
            new GuestKernel(GuestBinary.tools()).install(System.out::println);
            GuestBinary.install();
            MicroVmRuntime runtime = new MicroVmRuntime(resources);
            try {
                Guest guest = runtime.boot(spec(image()));
                Exec exec = guest.exec(ExecSpec.of(
                        "/bin/busybox", "dd", "if=/dev/zero", "of=/big", "bs=1M", "count=100", "conv=fsync"));
                MicroVm vm = new MicroVm(resources, VmPaths.of(resources, MACHINE));
                Poll.until(
                        Duration.ofSeconds(60),
                        Duration.ofMillis(50),
                        "the stop of the virtual machine",
                        () -> status(vm).equals("io-error"));
                guest.diskHasRoom();
                assertThat(exec.exited()).as("on a disk that has none").isNotDone();

                Files.delete(ballast);
                guest.diskHasRoom();
                ExitStatus exit = exec.exited().get(60, TimeUnit.SECONDS);
                assertThat(exit.code())
                        .as(new String(exec.stderr().readAllBytes(), StandardCharsets.UTF_8))
                        .isZero();
                assertThat(status(vm)).isEqualTo("running");
            } finally {
                runtime.remove(MACHINE);
                resources.dismantle();
            }
        } finally {
            run("umount", data.toString());
        }
    }

    private static String status(MicroVm vm) {
        try (Qmp qmp = vm.control()) {
            return qmp.run("query-status").path("status").asString("");
        }
    }

    private Path image() throws Exception {
        Path root = folder.resolve("root");
        for (String name : List.of("bin", "etc", "proc", "sys", "dev", "tmp")) {
            Files.createDirectories(root.resolve(name));
        }
        Files.copy(Path.of("/bin/busybox"), root.resolve("bin/busybox"), StandardCopyOption.COPY_ATTRIBUTES);
        Path file = folder.resolve("image.erofs");
        run("mkfs.erofs", "--quiet", file.toString(), root.toString());
        return file;
    }

    private static GuestSpec spec(Path image) {
        return new GuestSpec(
                MACHINE,
                "01ARZ3NDEKTSV4RRFFQ69G5FAV",
                image,
                1,
                192,
                256,
                List.of("/bin/busybox", "sleep", "1000"),
                java.util.Map.of(),
                "/",
                Optional.empty(),
                false,
                "full",
                List.of(),
                new GuestSpec.Net(0x42, 7));
    }
}
