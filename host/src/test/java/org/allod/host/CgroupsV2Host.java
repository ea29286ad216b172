package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import tools.jackson.databind.JsonNode;

/**
 * The whole daemon, as it was built, on a host with control groups of version 2. What the API says is held against the
 * kernel's own files. The tests share one emulated host, and go from its boot to its end; how its daemon is started is
 * what the subclasses differ in.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
abstract class CgroupsV2Host {
    private static final String MACHINES = "/v1/apps/shop/machines";
    private static final long MB = 1 << 20;

    /** What gVisor itself may take beside its guest's memory. */
    private static final long OVERHEAD = 96 * MB;

    private static final String GROUPS = "cd /sys/fs/cgroup/allod-*/ && ";

    V2Host host;
    private String id = "";

    /** Starts the daemon for the first time; it need not serve yet. */
    abstract void start() throws Exception;

    /** The group that the daemon is in, as {@code /proc/PID/cgroup} has it. */
    abstract String group();

    /** Kills the daemon and sees to it that there is another. */
    abstract void killAndStart() throws Exception;

    /** What may happen to control groups beside a daemon that is started so. */
    abstract void disturb() throws Exception;

    /** Asks the daemon to end, and waits until it has. */
    abstract void stop() throws Exception;

    @BeforeAll
    void boot() throws Exception {
        host = V2Host.boot(Path.of("target/v2-host").toAbsolutePath());
        assertThat(host.shell("cat /sys/fs/cgroup/cgroup.controllers")).contains("cpu", "memory", "pids");
        assertThat(host.shell("grep cgroup /proc/mounts"))
                .startsWith("cgroup2 ")
                .hasLineCount(1);
    }

    @AfterAll
    void end() throws Exception {
        if (host != null) {
            host.close();
        }
    }

    /** A file of the machine's group. */
    private String file(String name) throws Exception {
        return host.shell(GROUPS + "cat " + id + "/" + name).strip();
    }

    private long field(String file, String key) throws Exception {
        return file(file)
                .lines()
                .filter(line -> line.startsWith(key + " "))
                .mapToLong(line -> Long.parseLong(line.substring(key.length() + 1)))
                .findFirst()
                .orElseThrow();
    }

    private JsonNode verb(String verb) throws Exception {
        return host.ok("POST", MACHINES + "/" + id + "/" + verb, "");
    }

    private void await(String state) throws Exception {
        host.await(
                state,
                () -> host.call("GET", MACHINES + "/" + id + "/wait?timeout=20&state=" + state, "")
                                .statusCode()
                        == 200);
    }

    private HttpResponse<String> exec(String script) throws Exception {
        return host.call(
                "POST",
                MACHINES + "/" + id + "/exec",
                DaemonProcess.JSON
                        .createObjectNode()
                        .put("timeout", 500)
                        .set("command", DaemonProcess.JSON.valueToTree(List.of("/bin/sh", "-c", script)))
                        .toString());
    }

    private String said(String script) throws Exception {
        HttpResponse<String> answer = exec(script);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        return DaemonProcess.JSON.readTree(answer.body()).get("stdout").stringValue();
    }

    private List<JsonNode> events(String type) throws Exception {
        List<JsonNode> all = new ArrayList<>();
        for (JsonNode event : host.ok("GET", MACHINES + "/" + id + "/events?limit=50", "")) {
            if (event.get("type").stringValue().equals(type)) {
                all.add(event);
            }
        }
        return all;
    }

    /** Held too long, a request is answered with 503; on a crowded machine that is no fault. */
    private void served() throws Exception {
        host.await("its page", () -> host.through("shop").body().equals(OciLayout.PAGE));
    }

    private void create(int memoryMb) throws Exception {
        id = host.ok("POST", MACHINES, """
                        {"config":{"image":"web","guest":{"memory_mb":%d},
                         "services":[{"internal_port":8080,"ports":[{"port":80,"handlers":["http"]}]}]}}
                        """.formatted(memoryMb)).get("id").stringValue();
        await("started");
        served();
    }

    /** The guest's kernel, which must be in the machine's group. */
    private String sandbox() throws Exception {
        List<String> all = host.shell("grep -la ^runsc-sandbox /proc/[0-9]*/cmdline 2> /dev/null | cut -d/ -f3")
                .lines()
                .toList();
        assertThat(all).hasSize(1);
        assertThat(file("cgroup.procs").lines()).contains(all.getFirst());
        return all.getFirst();
    }

    @Test
    @Order(1)
    void machine_ofADaemonOnVersion2_isBoundAndCounted() throws Exception {
        start();
        host.await("the daemon", host::serves);
        assertThat(host.shell("cat /proc/$(pidof java)/cgroup")).isEqualTo("0::" + group() + "\n");
        assertThat(host.ok("GET", "/v1/host/status", "").get("runtime").stringValue())
                .isEqualTo("gvisor");
        host.ok("POST", "/v1/host/images/import", "{\"path\":\"/image\",\"name\":\"web\"}");
        host.ok("POST", "/v1/apps", "{\"name\":\"shop\",\"org_slug\":\"personal\"}");
        create(256);
        assertThat(host.shell("cat /proc/" + sandbox() + "/cgroup")).matches("0::/allod-[0-9a-f]{8}/" + id + "\n");
        assertThat(file("memory.max")).isEqualTo("" + (256 * MB + OVERHEAD));
        assertThat(file("memory.oom.group")).isEqualTo("1");
        assertThat(file("pids.max")).isEqualTo("4096");
        assertThat(file("cpu.max")).isEqualTo("100000 100000");
        assertThat(said("echo $((6 * 7))")).isEqualTo("42\n");

        String page = host.call("GET", "/metrics", "").body();
        assertThat(metric(page, "memory_limit_bytes")).isEqualTo(256 * MB + OVERHEAD);
        assertThat(metric(page, "memory_bytes")).isBetween(8.0 * MB, 200.0 * MB);
        assertThat(metric(page, "processes")).isBetween(5.0, 200.0);
        double used = metric(page, "cpu_seconds_total");
        assertThat(used).isBetween(0.1, field("cpu.stat", "usage_usec") / 1e6);
        assertThat(said("i=0; while [ $i -lt 3000 ]; do i=$((i + 1)); done; echo $i"))
                .isEqualTo("3000\n");
        assertThat(metric(host.call("GET", "/metrics", "").body(), "cpu_seconds_total"))
                .isGreaterThan(used);
    }

    private double metric(String page, String name) {
        return page.lines()
                .filter(line -> line.startsWith("allod_machine_" + name + "{") && line.contains(id))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.indexOf('}') + 1)))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no " + name + " in " + page));
    }

    @Test
    @Order(2)
    void memory_cappedAndThenTaken_isAKillOfTheWholeThatIsReported() throws Exception {
        host.ok("PUT", MACHINES + "/" + id + "/memory", "{\"limit_mb\":64}");
        assertThat(file("memory.max")).isEqualTo("" + (64 * MB + OVERHEAD));
        HttpResponse<String> cut = exec("dd if=/dev/zero of=/dev/shm/fill bs=1M count=250; echo survived");
        assertThat(cut.statusCode()).isEqualTo(409);
        assertThat(cut.body()).contains("has just ended");
        host.await("the exit", () -> !events("exit").isEmpty());
        assertThat(events("exit")
                        .getFirst()
                        .at("/request/exit_event/oom_killed")
                        .booleanValue())
                .isTrue();
        host.await("its restart", () -> events("start").size() > 1);
        await("started");
        // One kill, of all that was in it; and the machine has its whole memory again.
        assertThat(field("memory.events", "oom_group_kill")).isEqualTo(1);
        assertThat(file("memory.max")).isEqualTo("" + (256 * MB + OVERHEAD));
        assertThat(said("ls /dev/shm; echo $?")).isEqualTo("0\n");
    }

    /** The bound itself is a number that an emulated processor does not reach in minutes: a lower one is set by hand. */
    @Test
    @Order(3)
    void forkBomb_atTheBoundOnProcesses_isHeldAndEndsOnlyItsMachine() throws Exception {
        int starts = events("start").size();
        long now = Long.parseLong(file("pids.current"));
        long bound = now + 8;
        host.shell(GROUPS + "echo " + bound + " > " + id + "/pids.max");
        var _ = exec("f() { sleep 100 & f; }; f");
        assertThat(field("pids.events", "max")).isPositive();
        assertThat(Long.parseLong(file("pids.peak"))).isLessThanOrEqualTo(Math.max(bound, now + 8));
        host.await("its restart", () -> events("start").size() > starts);
        await("started");
        assertThat(file("pids.max")).isEqualTo("4096");
        served();
    }

    @Test
    @Order(4)
    void memory_suspendedAndWoken_isThereAgain() throws Exception {
        said("echo kept > /tmp/note; sleep 1000 & echo $! > /tmp/pid");
        verb("suspend");
        await("suspended");
        assertThat(file("cgroup.procs")).isEmpty();
        served();
        assertThat(said("cat /tmp/note; kill -0 $(cat /tmp/pid) && echo alive")).isEqualTo("kept\nalive\n");
        assertThat(file("memory.max")).isEqualTo("" + (256 * MB + OVERHEAD));
    }

    @Test
    @Order(5)
    void daemon_killedAndAnotherStarted_adoptsTheMachine() throws Exception {
        said("echo before > /tmp/who");
        String sandbox = sandbox();
        int exits = events("exit").size();
        killAndStart();
        host.await("its API", host::serves);
        assertThat(sandbox()).isEqualTo(sandbox);
        assertThat(said("cat /tmp/who")).isEqualTo("before\n");
        served();
        assertThat(events("exit")).hasSize(exits);
        disturb();
        assertThat(file("memory.max")).isEqualTo("" + (256 * MB + OVERHEAD));
        assertThat(file("pids.max")).isEqualTo("4096");
        assertThat(file("cpu.max")).isEqualTo("100000 100000");
        assertThat(metric(host.call("GET", "/metrics", "").body(), "memory_limit_bytes"))
                .isEqualTo(256 * MB + OVERHEAD);
    }

    @Test
    @Order(6)
    void end_ofMachineAndDaemon_leavesNothing() throws Exception {
        verb("stop");
        await("stopped");
        assertThat(file("cgroup.procs")).isEmpty();
        host.ok("DELETE", MACHINES + "/" + id, "");
        host.await(
                "its group's end",
                () -> host.shell(GROUPS + "ls -d */ 2> /dev/null || true").isEmpty());
        host.ok("POST", "/v1/host/clear-at-end", "");
        stop();
        assertThat(host.shell("pidof java || true")).isEmpty();
        assertThat(host.shell("ls /sys/fs/cgroup | grep allod || true")).isEmpty();
        assertThat(host.shell("ls /run/netns; nft list tables; grep -E 'erofs.*allod|nsfs' /proc/mounts || true"))
                .isEmpty();
        assertThat(host.shell("grep -la ^runsc /proc/[0-9]*/cmdline 2> /dev/null || true"))
                .isEmpty();
    }
}
