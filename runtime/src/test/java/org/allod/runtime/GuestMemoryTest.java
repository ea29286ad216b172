package org.allod.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.allod.base.FailedException;
import org.allod.base.MachineId;
import org.allod.base.Poll;
import org.allod.base.RejectedException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Memory is taken from running guests and given back; checks what guests and host have afterwards. */
@Timeout(value = 3, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class GuestMemoryTest {
    private static final Duration BOUND = Duration.ofSeconds(30);
    private static final long MIB = 1 << 20;

    @TempDir
    Path folder;

    private GuestStartBench bench;
    private MachineId machine;

    @BeforeEach
    void open() throws Exception {
        bench = new GuestStartBench(folder, "m" + ProcessHandle.current().pid());
        machine = bench.ids.machine();
        Files.createSymbolicLink(
                bench.resources.config().tools().resolve("kernel"),
                GuestBinary.tools().resolve("kernel"));
    }

    @AfterEach
    void close() {
        new MicroVmRuntime(bench.resources).halt(machine);
        new GVisorRuntime(bench.resources).remove(machine);
        assertThat(bench.traces(machine)).isEmpty();
        bench.close();
    }

    private GuestSpec spec(int memoryMb) {
        GuestSpec s = bench.spec(machine, List.of());
        return new GuestSpec(
                machine,
                s.version(),
                s.rootImage(),
                1,
                memoryMb,
                64,
                List.of("/bin/sleep", "1000"),
                Map.of("PATH", "/bin"),
                "/",
                Optional.empty(),
                false,
                "guest",
                List.of(),
                s.network());
    }

    private static String said(Guest guest, String script) throws Exception {
        GuestStartBench.Ran ran = GuestStartBench.run(guest, "/bin/sh", "-c", script);
        assertThat(ran.exit()).as(ran.err()).isEqualTo(new ExitStatus(0, 0, false));
        return ran.out().strip();
    }

    private static long inside(Guest guest) throws Exception {
        return Long.parseLong(said(guest, "awk '/MemAvailable/ {print $2}' /proc/meminfo")) >> 10;
    }

    private long onTheHost() {
        return bench.resources.cgroups().usage(machine.text()).memoryBytes();
    }

    @Test
    void microvm_memory_isTakenAndGivenWhileItRuns() throws Exception {
        GuestSpec spec = spec(256);
        MicroVmRuntime runtime = new MicroVmRuntime(bench.resources);
        runtime.prepare(spec);
        Guest guest = runtime.boot(spec);
        GuestMemory whole = guest.memory();
        assertThat(whole.limitMb()).isEqualTo(256);
        assertThat(whole.availableMb()).isCloseTo(inside(guest), org.assertj.core.data.Offset.offset(16L));

        // What it no longer needs it hands over by itself.
        long small = onTheHost();
        said(guest, "dd if=/dev/zero of=/dev/shm/x bs=1M count=90 2>&1");
        long filled = onTheHost();
        assertThat(filled).isGreaterThan(small + 30 * MIB);
        long freed = System.nanoTime();
        said(guest, "rm /dev/shm/x");
        Poll.until(BOUND, Duration.ofMillis(100), "free memory to come back", () -> onTheHost() < filled - 50 * MIB);
        System.out.println(
                "90 MB freed inside are the host's again after " + (System.nanoTime() - freed) / 1_000_000 + " ms");

        long begin = System.nanoTime();
        GuestMemory less = guest.limitMemory(144);
        System.out.println("256 to 144 MB: " + less + " in " + (System.nanoTime() - begin) / 1_000_000 + " ms");
        assertThat(less.limitMb()).isEqualTo(144);
        assertThat(less.availableMb()).isLessThan(whole.availableMb() - 90);
        assertThat(inside(guest)).isLessThan(whole.availableMb() - 90);

        // As it was after a sleep, and to the next daemon.
        runtime.suspend(spec);
        guest = runtime.resume(spec);
        assertThat(guest.memory().limitMb()).isEqualTo(144);
        ((MicroVmGuest) guest).channel().close(); // as the end of its daemon would
        guest = new MicroVmRuntime(bench.resources).find(machine).orElseThrow();
        assertThat(guest.memory().limitMb()).isEqualTo(144);
        assertThat(said(guest, "echo well")).isEqualTo("well");
        assertThat(guest.limitMemory(256).limitMb()).isEqualTo(256);

        // Given for a moment only, but the host has it for as long as the guest does not need it.
        said(guest, "cat /bin/* > /dev/null; cat /proc/kallsyms > /dev/null");
        long before = guest.memory().availableMb();
        long took = guest.reclaimMemory(100);
        System.out.println("reclaimed " + took + " MB of 100");
        assertThat(took).isBetween(40L, 100L);
        Guest same = guest;
        Poll.until(
                BOUND,
                Duration.ofMillis(100),
                "its memory back",
                () -> same.memory().limitMb() == 256);
        assertThat(guest.memory().availableMb()).isGreaterThan(before - 40);
    }

    @Test
    void microvm_thatCannotHandOverEnough_isAskedForABoundedTime_andBeginsAnewWithAll() throws Exception {
        GuestSpec spec = spec(192);
        MicroVmRuntime runtime = new MicroVmRuntime(bench.resources);
        runtime.prepare(spec);
        Guest guest = runtime.boot(spec);
        said(guest, "dd if=/dev/zero of=/dev/shm/x bs=1M count=70 2>&1"); // in use, and nowhere to be put
        long begin = System.nanoTime();
        GuestMemory less = guest.limitMemory(64);
        System.out.println("192 to 64 MB, of which 70 are in use: " + less);
        assertThat(less.limitMb()).isBetween(80L, 190L);
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(15));
        assertThat(said(guest, "stat -c %s /dev/shm/x")).isEqualTo("" + 70 * MIB);

        // Memory of another kind of machine is refused before QEMU has to, and the machine boots all the same.
        VmPaths folders = VmPaths.of(bench.resources, machine);
        runtime.suspend(spec);
        Files.writeString(
                folders.form(), Files.readString(folders.form()).replace("-device virtio-balloon", "-device x"));
        assertThatThrownBy(() -> runtime.resume(spec))
                .isInstanceOf(FailedException.class)
                .hasMessageContaining("another version of Allod");
        Files.delete(folders.form());
        assertThatThrownBy(() -> runtime.resume(spec))
                .isInstanceOf(FailedException.class)
                .hasMessageContaining("an older Allod");
        assertThat(runtime.hasSavedMemory(machine)).isTrue();
        runtime.halt(machine);
        runtime.discardSuspended(machine);
        assertThat(runtime.boot(spec).memory().limitMb()).isEqualTo(192);
    }

    @Test
    void microvm_whoseDaemonDiesWhileMemoryIsTaken_getsItBackFromTheNext() throws Exception {
        GuestSpec spec = spec(192);
        MicroVmRuntime runtime = new MicroVmRuntime(bench.resources);
        runtime.prepare(spec);
        Guest guest = runtime.boot(spec);
        assertThat(guest.limitMemory(128).limitMb()).isEqualTo(128);
        RuntimeResources.write(VmPaths.of(bench.resources, machine).reclaiming(), 192 * MIB + "\n");
        ((MicroVmGuest) guest).channel().close();
        Guest adopted = new MicroVmRuntime(bench.resources).find(machine).orElseThrow();
        Poll.until(
                BOUND,
                Duration.ofMillis(50),
                "all its memory",
                () -> adopted.memory().limitMb() == 192);
        assertThat(VmPaths.of(bench.resources, machine).reclaiming()).doesNotExist();
    }

    @Test
    void gvisor_memory_isBoundByItsControlGroup() throws Exception {
        GuestSpec spec = spec(128);
        GVisorRuntime runtime = new GVisorRuntime(bench.resources);
        runtime.prepare(spec);
        Guest guest = runtime.boot(spec);
        assertThat(guest.memory().limitMb()).isEqualTo(128);
        said(guest, "dd if=/dev/zero of=/fill bs=1M count=24 2>&1");
        long took = guest.reclaimMemory(8);
        System.out.println("gVisor: reclaimed " + took + " MB");
        assertThat(took).isPositive();
        assertThat(said(guest, "dd if=/dev/zero of=/dev/shm/x bs=1M count=100 2>&1; echo well"))
                .endsWith("well");
        Guest full = guest;
        assertThatThrownBy(() -> full.limitMemory(16))
                .isInstanceOf(RejectedException.class)
                .hasMessageContaining("cannot be held to 16 MB");
        assertThat(guest.memory().limitMb()).isEqualTo(128);
        said(guest, "rm /dev/shm/x");
        Poll.until(
                BOUND,
                Duration.ofMillis(100),
                "free memory",
                () -> full.memory().availableMb() > 60);
        assertThat(guest.limitMemory(64).limitMb()).isEqualTo(64);
        ((GVisorGuest) guest).hangUp(); // as the end of its daemon would
        guest = new GVisorRuntime(bench.resources).find(machine).orElseThrow();
        assertThat(guest.memory().limitMb()).isEqualTo(64);

        // It is a bound: whoever takes more ends, and the machine says why.
        var _ = guest.exec(ExecSpec.of("dd", "if=/dev/zero", "of=/dev/shm/x", "bs=1M", "count=1000"));
        assertThat(guest.exited().get(30, TimeUnit.SECONDS)).isEqualTo(new ExitStatus(137, 9, true));
        runtime.halt(machine);
        assertThat(runtime.boot(spec).memory().limitMb()).isEqualTo(128);
    }
}
