package org.allod.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.allod.base.FailedException;
import org.allod.base.MachineId;
import org.allod.base.Poll;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What {@link HostileGuestTest} asks of gVisor, asked of virtual machines: root of the guest may do everything there, so
 * also speak in the place of PID 1. A neighbour must not notice, the daemon's memory must not grow, and the machine must
 * still end when it is told to.
 */
class HostileMicroVmTest {
    private static final Duration BOUND = Duration.ofSeconds(20);
    private static final int MEMORY_MB = 192;
    /** What the conversation with one guest may take, whatever it says; its windows are a quarter of a megabyte. */
    private static final long HEAP = 16 << 20;

    @TempDir
    static Path folder;

    private static GuestStartBench bench;
    private static MicroVmRuntime runtime;
    private static GVisorRuntime beside;
    private static MachineId neighbour;
    private MachineId machine;
    private GuestSpec spec;
    private long heap;

    @BeforeAll
    static void open() throws Exception {
        bench = new GuestStartBench(folder, "q" + ProcessHandle.current().pid());
        Files.createSymbolicLink(
                bench.resources.config().tools().resolve("kernel"),
                GuestBinary.tools().resolve("kernel"));
        runtime = new MicroVmRuntime(bench.resources);
        beside = new GVisorRuntime(bench.resources);
        neighbour = bench.ids.machine();
        beside.boot(bench.spec(neighbour, GuestStartBench.SERVER));
        GuestStartBench.await(neighbour, "/");
    }

    @AfterAll
    static void close() {
        beside.remove(neighbour);
        bench.close();
    }

    @AfterEach
    void guestIsEndedWithoutTrace() throws Exception {
        neighbourIsWell();
        assertThat(heap() - heap).as("bytes the daemon kept for it").isLessThan(HEAP);
        Guest guest = runtime.find(machine).orElseThrow();
        long begin = System.nanoTime();
        try {
            guest.signal(15);
        } catch (FailedException e) {
            // Nobody listens any more; to say so must not take for ever either.
        }
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(11));
        begin = System.nanoTime();
        runtime.halt(machine);
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(10));
        assertThat(guest.exited().get(5, TimeUnit.SECONDS)).isEqualTo(ExitStatus.LOST);
        runtime.remove(machine);
        assertThat(bench.traces(machine)).isEmpty();
        neighbourIsWell();
    }

    private Guest hostile(String script) {
        machine = bench.ids.machine();
        GuestSpec plain = bench.spec(machine, List.of());
        spec = new GuestSpec(
                machine,
                plain.version(),
                plain.rootImage(),
                1,
                MEMORY_MB,
                64,
                List.of("/bin/sh", "-c", script),
                Map.of("PATH", "/bin"),
                "/",
                Optional.empty(),
                false,
                "hostile",
                List.of(),
                plain.network());
        runtime.prepare(spec);
        Guest guest = runtime.boot(spec);
        heap = heap();
        return guest;
    }

    private static long heap() {
        System.gc();
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }

    private static void neighbourIsWell() throws Exception {
        for (int i = 0; i < 10; i++) {
            long begin = System.nanoTime();
            assertThat(GuestStartBench.await(neighbour, "/")).contains("hello");
            // Generous, as other tests may want the processor too: what is starved takes longer than this.
            assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(5));
        }
        assertThat(GuestStartBench.run(beside.find(neighbour).orElseThrow(), "true")
                        .exit()
                        .code())
                .isZero();
    }

    private boolean said(String text) {
        return bench.resources.logs().log(machine).tail(1000).stream()
                .anyMatch(line -> line.text().contains(text));
    }

    private void cutOff() {
        Poll.until(BOUND, Duration.ofMillis(50), "a link that is cut", () -> said("the link to the guest was cut off"));
    }

    /** While it goes on, the host holds on to what the machine may have. */
    private void watched(Duration time) throws Exception {
        long end = System.nanoTime() + time.toNanos();
        while (System.nanoTime() < end) {
            neighbourIsWell();
            var usage = bench.resources.cgroups().usage(machine.text());
            assertThat(usage.memoryBytes()).isLessThanOrEqualTo(usage.memoryLimitBytes());
            assertThat(usage.processes()).as("QEMU's own threads").isLessThan(100);
            TimeUnit.MILLISECONDS.sleep(100);
        }
        assertThat(Files.size(VmPaths.of(bench.resources, machine).output())).isLessThan(2 << 20);
    }

    /**
     * The main process is not of the bomb and ignores signal 15, so only the halt ends it. A shell of the bomb would end by
     * itself, with code 2, as soon as it cannot fork, and that is then what is known of the guest.
     */
    @Test
    void forkBomb_inGuest_staysThere() throws Exception {
        Guest _ = hostile("trap '' TERM; f() { while :; do f & done; }; (sleep 1; f) & exec sleep 100000");
        long before = memory();
        // Nobody inside can count them any more: what they take is all the memory there is.
        Poll.until(BOUND, Duration.ofMillis(50), "memory used up", () -> memory() > before + (50 << 20));
        watched(Duration.ofSeconds(2));
    }

    private long memory() {
        return bench.resources.cgroups().usage(machine.text()).memoryBytes();
    }

    @Test
    void noise_fromTheChannelsDevice_cutsTheLinkAlone() throws Exception {
        Guest guest = hostile("exec garbage port noise");
        cutOff();
        watched(Duration.ofSeconds(2));
        assertThat(guest.exited()).isNotDone();
    }

    @Test
    void frames_thatLie_cutTheLinkAlone() throws Exception {
        Guest guest = hostile("exec garbage port frames");
        cutOff();
        watched(Duration.ofSeconds(2));
        assertThat(guest.exited()).isNotDone();
    }

    @Test
    void device_takenFromPid1AndNeverRead_holdsNobodyUp() throws Exception {
        Guest guest = hostile("sleep 1; exec garbage port deaf");
        Poll.until(BOUND, Duration.ofMillis(100), "PID 1 off the line", () -> silent(guest));
        // A guest that does not answer cannot take its leave: it goes on as it was, and can be asked again.
        for (int i = 0; i < 2; i++) {
            long begin = System.nanoTime();
            assertThatThrownBy(() -> runtime.suspend(spec))
                    .isInstanceOf(FailedException.class)
                    .hasMessageContaining(machine.text());
            assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(20));
            assertThat(runtime.hasSavedMemory(machine)).isFalse();
            assertThat(runtime.find(machine).orElseThrow())
                    .as("a conversation begun anew")
                    .isNotEqualTo(guest);
        }
        watched(Duration.ofSeconds(2));
        assertThat(guest.exited()).isNotDone();
    }

    private static boolean silent(Guest guest) {
        try (Exec exec = guest.exec(ExecSpec.of("true"))) {
            exec.exited().get(2, TimeUnit.SECONDS);
            return false;
        } catch (TimeoutException e) {
            return true;
        } catch (ExecutionException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
