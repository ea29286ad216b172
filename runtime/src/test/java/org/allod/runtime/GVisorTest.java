package org.allod.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.allod.base.FailedException;
import org.allod.base.MachineId;
import org.allod.linux.Command;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Real gVisor guests through their whole life cycle. */
class GVisorTest {
    @TempDir
    static Path folder;

    private static GuestStartBench bench;
    private static GVisorRuntime runtime;
    private MachineId machine;

    @BeforeAll
    static void open() {
        bench = new GuestStartBench(folder, "g" + ProcessHandle.current().pid());
        runtime = new GVisorRuntime(bench.resources);
        ProbeResult probe = runtime.probe();
        System.out.println("MEASURED probe: " + probe);
        assertThat(probe.works()).as(String.join("\n", probe.details())).isTrue();
        assertThat(runtime.present()).isEmpty();
    }

    @AfterAll
    static void close() {
        bench.close();
        assertThat(org.allod.linux.Mounts.all().toString()).doesNotContain(folder.toString());
    }

    @AfterEach
    void nothingRemains() {
        if (machine != null) {
            runtime.remove(machine);
            assertThat(bench.traces(machine)).isEmpty();
            assertThat(runtime.present()).isEmpty();
        }
    }

    private GuestSpec server() {
        machine = bench.ids.machine();
        return bench.spec(machine, GuestStartBench.SERVER);
    }

    @Test
    void guest_booted_answersAndRunsCommandsAndIsHalted() throws Exception {
        GuestSpec spec = server();
        runtime.prepare(spec);
        Guest guest = runtime.boot(spec);
        assertThat(GuestStartBench.await(machine, "/")).isEqualTo("hello");
        assertThat(runtime.boot(spec)).isSameAs(guest);
        assertThat(runtime.find(machine)).containsSame(guest);
        assertThat(runtime.present()).containsExactly(machine);

        GuestStartBench.Ran ran = GuestStartBench.run(
                guest, "sh", "-c", "echo $GREETING; hostname; cat /etc/note; echo oops >&2; exit 7");
        assertThat(ran.exit()).isEqualTo(new ExitStatus(7, 0, false));
        assertThat(ran.out()).contains("hello from outside", "guest-", "a note");
        assertThat(ran.err()).isEqualTo("oops\n");
        assertThat(GuestStartBench.run(guest, "sh", "-c", "free -m | grep Mem").out())
                .contains(" 128 ");

        GuestStats stats = guest.stats();
        assertThat(stats.memoryBytes()).isBetween(1L << 20, stats.memoryLimitBytes());
        assertThat(stats.cpuNanos()).isPositive();
        assertThat(stats.networkSentBytes()).isPositive();
        assertThat(stats.diskBytes()).isNotNegative();

        // Nobody answers ARP: each end knows the other for good.
        var four = Command.of("curl", "-s", "-m", "5", "http://" + GuestStartBench.address4(machine) + ":8080/");
        assertThat(four.output()).contains("hello");

        runtime.halt(machine);
        assertThat(runtime.find(machine)).isEmpty();
        assertThat(guest.exited().get(5, TimeUnit.SECONDS)).isEqualTo(ExitStatus.LOST);
        assertThat(GuestStartBench.get(machine, "/")).isEmpty();
        runtime.halt(machine);
    }

    @Test
    void guest_bootedAgain_beginsFromClean() throws Exception {
        GuestSpec spec = server();
        GuestStartBench.run(runtime.boot(spec), "sh", "-c", "echo mark > /www/mark");
        assertThat(GuestStartBench.await(machine, "/mark")).isEqualTo("mark");
        String first = GuestStartBench.await(machine, "/boot");
        runtime.halt(machine);
        runtime.boot(spec);
        assertThat(GuestStartBench.await(machine, "/boot")).isNotEqualTo(first);
        assertThat(GuestStartBench.get(machine, "/mark")).isEmpty();
    }

    @Test
    void mainProcess_thatEnds_isReportedWithItsCodeAndLog() throws Exception {
        machine = bench.ids.machine();
        GuestSpec spec = bench.spec(machine, List.of("/bin/sh", "-c", "echo working; sleep 0.1; exit 3"));
        Guest guest = runtime.boot(spec);
        assertThat(guest.exited().get(10, TimeUnit.SECONDS)).isEqualTo(new ExitStatus(3, 0, false));
        assertThat(bench.resources.logs().log(machine).tail(10))
                .anyMatch(line -> line.text().equals("working"));
    }

    @Test
    void mainProcess_signalled_reportsTheSignal() throws Exception {
        machine = bench.ids.machine();
        Guest guest = runtime.boot(bench.spec(machine, List.of("/bin/sleep", "100")));
        guest.signal(15);
        assertThat(guest.exited().get(10, TimeUnit.SECONDS)).isEqualTo(new ExitStatus(128 + 15, 15, false));
    }

    @Test
    void guest_suspendedAndResumed_goesOnWithMemoryAndDisk() throws Exception {
        GuestSpec spec = server();
        Guest guest = runtime.boot(spec);
        String boot = GuestStartBench.await(machine, "/boot");
        assertThat(runtime.hasSavedMemory(machine)).isFalse();
        runtime.suspend(spec);
        runtime.suspend(spec);
        assertThat(runtime.find(machine)).isEmpty();
        assertThat(runtime.hasSavedMemory(machine)).isTrue();
        assertThat(guest.exited()).isNotDone();
        assertThat(bench.resources.cgroups().processes(machine.text())).isEmpty();
        // Not sealed: it holds what the guest's memory held, and is for root alone.
        assertThat(Files.getPosixFilePermissions(
                        SandboxPaths.of(bench.resources, machine).memory().saved()))
                .isEqualTo(PosixFilePermissions.fromString("rwx------"));

        Guest resumed = runtime.resume(spec);
        assertThat(GuestStartBench.await(machine, "/boot")).isEqualTo(boot);
        assertThat(GuestStartBench.run(resumed, "cat", "/www/boot").out().strip())
                .isEqualTo(boot);
        assertThat(runtime.hasSavedMemory(machine)).isFalse();
        assertThat(runtime.resume(spec)).isSameAs(resumed);

        runtime.suspend(spec); // and once more
        GuestStartBench.run(runtime.resume(spec), "true");
        assertThat(GuestStartBench.await(machine, "/boot")).isEqualTo(boot);
    }

    /** The daemon died as soon as the guest had gone on, and the host a while after that. */
    @Test
    void memory_thatAGuestWentOnFrom_isNeverUsedAgain() throws Exception {
        GuestSpec spec = server();
        runtime.boot(spec);
        String boot = GuestStartBench.await(machine, "/boot");
        runtime.suspend(spec);
        MemoryCheckpoint memory = SandboxPaths.of(bench.resources, machine).memory();
        Path kept = folder.resolve("kept-" + machine);
        Command.of("cp", "-a", memory.saved().toString(), kept.toString()).output();
        GuestStartBench.run(runtime.resume(spec), "true");
        Command.of("cp", "-a", kept.toString(), memory.resuming().toString()).output();
        bench.resources.cgroups().kill(machine.text(), Duration.ofSeconds(10));

        GVisorRuntime next = new GVisorRuntime(bench.resources);
        assertThat(next.find(machine)).isEmpty();
        assertThat(next.hasSavedMemory(machine)).isFalse();
        next.boot(spec);
        assertThat(GuestStartBench.await(machine, "/boot")).isNotEqualTo(boot);
        assertThat(memory.resuming()).doesNotExist();
        next.remove(machine);
    }

    @Test
    void savedMemory_thatIsBroken_isAClearErrorAndNotTriedAgain() throws Exception {
        GuestSpec spec = server();
        runtime.boot(spec);
        runtime.suspend(spec);
        Path saved = bench.resources.folder(machine).resolve("gvisor/saved");
        Files.write(saved.resolve("checkpoint.img"), new byte[100]);
        assertThatThrownBy(() -> runtime.resume(spec))
                .isInstanceOf(FailedException.class)
                .hasMessageContaining("cannot resume")
                .hasMessageContaining(machine.text());
        // Not even a failing runsc says that the guest never went on.
        assertThat(runtime.hasSavedMemory(machine)).isFalse();
        runtime.discardSuspended(machine);
        assertThatThrownBy(() -> runtime.resume(spec))
                .isInstanceOf(FailedException.class)
                .hasMessageContaining("no saved memory");
        runtime.boot(spec);
        assertThat(GuestStartBench.await(machine, "/")).isEqualTo("hello");
    }

    @Test
    void program_thatIsMissing_endsWithAReason() throws Exception {
        machine = bench.ids.machine();
        Guest guest = runtime.boot(bench.spec(machine, List.of("/no/such/program")));
        assertThat(guest.exited().get(10, TimeUnit.SECONDS).code()).isEqualTo(127);
        assertThat(bench.resources.logs().log(machine).tail(10).toString()).contains("/no/such/program");
    }

    /** What a runsc gets that does not know this kernel's namespaces. */
    @Test
    void guest_onTheNamespacesOwnStack_worksAsWell() throws Exception {
        RunscConfig runsc = new RunscConfig(GuestStartBench.runsc().toRealPath(), "systrap", "host");
        GVisorRuntime other = new GVisorRuntime(bench.resources, () -> runsc);
        GuestSpec spec = server();
        other.boot(spec);
        String boot = GuestStartBench.await(machine, "/boot");
        other.suspend(spec);
        Guest guest = other.resume(spec);
        assertThat(GuestStartBench.await(machine, "/boot")).isEqualTo(boot);
        assertThat(GuestStartBench.run(guest, "hostname").out()).startsWith("guest-");
    }

    /** A guest whose memory is nearly full is saved and comes back. */
    @Test
    void guest_withMuchMemory_isSuspendedAndResumed() throws Exception {
        GuestSpec spec = server();
        Guest guest = runtime.boot(spec);
        GuestStartBench.Ran fill = GuestStartBench.run(
                guest, "sh", "-c", "head -c 90000000 /dev/urandom > /dev/shm/fill; md5sum /dev/shm/fill");
        assertThat(fill.exit().code()).as(fill.toString()).isZero();
        runtime.suspend(spec);
        Guest resumed = runtime.resume(spec);
        assertThat(GuestStartBench.run(resumed, "md5sum", "/dev/shm/fill").out())
                .isEqualTo(fill.out());
    }
}
