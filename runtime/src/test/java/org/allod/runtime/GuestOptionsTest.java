package org.allod.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.allod.base.MachineId;
import org.allod.base.Poll;
import org.allod.linux.Command;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Optional settings of a machine's configuration, each verified inside real guests: few boots, many fields. */
class GuestOptionsTest {
    @TempDir
    static Path folder;

    private static GuestStartBench bench;
    private static MachineId machine;

    @BeforeAll
    static void open() throws Exception {
        bench = new GuestStartBench(folder, "o" + ProcessHandle.current().pid());
        Path kernel = bench.resources.config().tools().resolve("kernel");
        if (!Files.exists(kernel)) {
            Files.createSymbolicLink(kernel, GuestBinary.tools().resolve("kernel"));
        }
        machine = bench.ids.machine();
    }

    @AfterAll
    static void close() throws Exception {
        Files.delete(bench.resources.config().tools().resolve("kernel"));
        bench.close();
    }

    private static GuestSpec.Options options(boolean vm) {
        return new GuestSpec.Options(
                6,
                vm,
                vm ? 32 : 0,
                vm ? List.of("allod.test=7") : List.of(),
                List.of("nameserver 9.9.9.9", "search corp.example", "options ndots:2"),
                Optional.of("web-1.example.org"),
                List.of(),
                false);
    }

    private static final List<String> IDLE =
            List.of("/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done");

    @Test
    void microVm_hasSwapKernelArgumentsNamesAndARootThatLasts() throws Exception {
        MicroVmRuntime runtime = new MicroVmRuntime(bench.resources);
        machine = bench.ids.machine();
        GuestSpec spec = bench.spec(machine, IDLE).with(options(true));
        try {
            Guest guest = runtime.boot(spec);
            String said = GuestStartBench.run(
                            guest,
                            "sh",
                            "-c",
                            "cat /proc/cmdline /proc/swaps /etc/resolv.conf /etc/hosts; echo kept > /kept")
                    .out();
            assertThat(said).contains("allod.test=7 console=").contains("/upper/swap");
            names(said);
            assertThat(weight()).isIn("61", "6");
            guest.signal(15);
            assertThat(guest.exited().get(20, TimeUnit.SECONDS).code()).isZero();
            runtime.halt(machine);
            assertThat(GuestStartBench.run(runtime.boot(spec), "cat", "/kept").out())
                    .isEqualTo("kept\n");
            runtime.halt(machine);
            runtime.forgetRoot(machine);
            assertThat(GuestStartBench.run(runtime.boot(spec), "cat", "/kept").err())
                    .contains("No such file");
        } finally {
            runtime.remove(machine);
        }
        assertThat(bench.traces(machine)).isEmpty();
    }

    @Test
    void gvisor_hasNames() throws Exception {
        GVisorRuntime runtime = new GVisorRuntime(bench.resources);
        machine = bench.ids.machine();
        try {
            Guest guest = runtime.boot(bench.spec(machine, IDLE).with(options(false)));
            names(GuestStartBench.run(guest, "sh", "-c", "cat /etc/resolv.conf /etc/hosts")
                    .out());
            assertThat(weight()).isIn("61", "6");
        } finally {
            runtime.remove(machine);
        }
        assertThat(bench.traces(machine)).isEmpty();
    }

    /**
     * A database that gets healthy, a migration that waits for that and fails once, a server that waits for both, and
     * one that is killed whenever its liveness check fails.
     */
    private static List<GuestUnit> containers() {
        List<String> server = List.of(
                "/bin/sh", "-c", "echo $ROLE > /www/index.html; id -u > /www/id; exec httpd -f -p 8081 -h /www");
        GuestUnit.Check http = new GuestUnit.Check(
                new GuestUnit.Question.Http(8081, "GET / HTTP/1.0\r\n\r\n"),
                false,
                Duration.ofSeconds(1),
                Duration.ofSeconds(2),
                Duration.ZERO,
                2,
                3);
        GuestUnit.Check alive = new GuestUnit.Check(
                new GuestUnit.Question.Exec(List.of("/bin/test", "!", "-e", "/tmp/sick")),
                true,
                Duration.ofMillis(300),
                Duration.ofSeconds(5),
                Duration.ZERO,
                1,
                1);
        return List.of(
                unit("web", List.of("/bin/sh", "-c", "cat /etc/web; wget -qO- http://127.0.0.1:8081/; exec sleep 1000"))
                        .after(
                                new GuestUnit.After("db", GuestUnit.Condition.HEALTHY),
                                new GuestUnit.After("migrate", GuestUnit.Condition.SUCCEEDED)),
                unit("migrate", List.of("/bin/sh", "-c", "echo try; mkdir /mark 2>/dev/null && exit 3; echo migrated"))
                        .after(new GuestUnit.After("db", GuestUnit.Condition.HEALTHY)),
                unit("db", server).checked(http),
                unit("frail", List.of("/bin/sh", "-c", "rm -f /tmp/sick; echo born; exec sleep 1000"))
                        .checked(alive));
    }

    private static GuestUnit unit(String name, List<String> argv) {
        return new GuestUnit(
                name,
                Optional.of(bench.image),
                argv,
                Map.of("ROLE", "I am " + name, "PATH", "/bin"),
                "/",
                Optional.empty(),
                List.of(new GuestSpec.File("/etc/web", ("file of " + name + "\n").getBytes(UTF_8), 0600)),
                List.of(),
                new GuestUnit.Restart(GuestUnit.Policy.ON_FAILURE, 5),
                9,
                Duration.ofSeconds(2),
                List.of());
    }

    @Test
    void containers_inGvisor_startInOrderWithTheirOwnRoots() throws Exception {
        containers(new GVisorRuntime(bench.resources));
    }

    @Test
    void containers_inAMicroVm_startInOrderWithTheirOwnRoots() throws Exception {
        containers(new MicroVmRuntime(bench.resources));
    }

    private void containers(GuestRuntime runtime) throws Exception {
        machine = bench.ids.machine();
        GuestSpec spec = bench.spec(machine, List.of("none")).with(options(containers(), false));
        try {
            Guest guest = runtime.boot(spec);
            awaitLine("[web] I am db");
            List<String> lines = lines();
            assertThat(lines)
                    .contains("[web] file of web")
                    .filteredOn(l -> l.equals("[migrate] try"))
                    .hasSize(2);
            assertThat(lines.indexOf("[migrate] migrated")).isLessThan(lines.indexOf("[web] file of web"));
            assertThat(in(guest, "db", "cat", "/www/index.html", "/etc/web")).isEqualTo("I am db\nfile of db\n");
            assertThat(in(guest, "web", "sh", "-c", "cat /www/index.html; echo $ROLE; ls /proc/1/stat; echo > /only"))
                    .isEqualTo("helloI am web\n/proc/1/stat\n");
            assertThat(in(guest, "db", "sh", "-c", "ls /only || hostname")).contains("guest-");
            assertThat(in(guest, "nobody", "true")).contains("there is no container or process called nobody");
            in(guest, "frail", "touch", "/tmp/sick");
            awaitLine("[frail] allod: unhealthy, and is stopped");
            Poll.until(
                    Duration.ofSeconds(20),
                    Duration.ofMillis(50),
                    "a second life",
                    () -> lines().stream().filter("[frail] born"::equals).count() == 2);
            guest.signal(15);
            assertThat(guest.exited().get(20, TimeUnit.SECONDS).signal()).isEqualTo(9);
        } finally {
            runtime.remove(machine);
        }
        assertThat(bench.traces(machine)).isEmpty();
    }

    @Test
    void processes_endWithTheFirst_inAMicroVmAsInGvisor() throws Exception {
        for (GuestRuntime runtime : List.of(new GVisorRuntime(bench.resources), new MicroVmRuntime(bench.resources))) {
            machine = bench.ids.machine();
            GuestUnit loop = GuestUnit.process(
                    "loop",
                    List.of("/bin/sh", "-c", "trap 'echo asked; exit 0' TERM; echo $A; while :; do sleep 0.1; done"),
                    Map.of("A", "one", "PATH", "/bin"),
                    "/tmp/work",
                    Optional.empty());
            GuestUnit brief = GuestUnit.process(
                    "brief",
                    List.of("/bin/sh", "-c", "id -u; pwd; sleep 1; exit 4"),
                    Map.of("PATH", "/bin"),
                    "/",
                    Optional.of("1000"));
            try {
                Guest guest =
                        runtime.boot(bench.spec(machine, List.of("none")).with(options(List.of(loop, brief), true)));
                assertThat(guest.exited().get(30, TimeUnit.SECONDS)).isEqualTo(new ExitStatus(4, 0, false));
                assertThat(lines()).contains("[loop] one", "[brief] 1000", "[brief] /", "[loop] asked");
            } finally {
                runtime.remove(machine);
            }
        }
    }

    private static GuestSpec.Options options(List<GuestUnit> units, boolean firstEnds) {
        return new GuestSpec.Options(100, false, 0, List.of(), List.of(), Optional.empty(), units, firstEnds);
    }

    private static List<String> lines() {
        return bench.resources.logs().log(machine).tail(1000).stream()
                .map(LogLine::text)
                .toList();
    }

    private static void awaitLine(String line) {
        try {
            Poll.until(Duration.ofSeconds(40), Duration.ofMillis(50), "the line " + line, () -> lines().contains(line));
        } catch (RuntimeException e) {
            throw new AssertionError(String.join("\n", lines()), e);
        }
    }

    /** What a command says in one of several, on both streams. */
    private static String in(Guest guest, String unit, String... argv) throws Exception {
        ExecSpec spec =
                new ExecSpec(List.of(argv), Map.of(), Optional.empty(), Optional.empty(), Optional.empty(), unit);
        try (Exec exec = guest.exec(spec)) {
            exec.stdin().close();
            String out = new String(exec.stdout().readAllBytes(), UTF_8);
            return out + new String(exec.stderr().readAllBytes(), UTF_8);
        }
    }

    private static void names(String said) {
        assertThat(said)
                .contains("nameserver 9.9.9.9\nsearch corp.example\noptions ndots:2\n")
                .contains(GuestStartBench.NET.address(machine) + " web-1.example.org guest-");
    }

    /** Its share of processor time, in whichever version of control groups this host has. */
    private static String weight() {
        return Command.of(
                        "sh",
                        "-c",
                        "cat /sys/fs/cgroup/cpu*/*/" + machine.text() + "/cpu.shares /sys/fs/cgroup/*/" + machine.text()
                                + "/cpu.weight 2>/dev/null | head -1")
                .run()
                .out()
                .strip();
    }
}
