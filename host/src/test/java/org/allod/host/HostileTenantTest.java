package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.allod.linux.Command;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/**
 * One real daemon, two apps. {@link HostileTenant} uses an app token, root in guests of both runtimes and bare sockets
 * against everything at once, while {@link VictimWatch}, another app, goes on as ever: each of its requests is answered,
 * within what it is used to, and each acknowledged change is there after a {@code kill -9}. What each attack would have
 * done before is in the test of its own cause; this one holds that the cures live together.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HostileTenantTest {
    private static final Duration ATTACK = Duration.ofSeconds(15);
    private static final int DISK_GB = 1;

    private Path folder;
    private DaemonProcess daemon;
    private String victim;

    @BeforeAll
    void start(@TempDir Path temp) throws Exception {
        folder = temp;
        daemon = new DaemonProcess(folder.resolve("data"), "--idle", "600").start();
        daemon.ok("POST", "/v1/host/images/build", """
                {"name":"web","packages":["busybox-static"],
                 "copies":[{"source":"%s","destination":"/srv/index.html"},{"source":"%s","destination":"/garbage"}],
                 "cmd":["/bin/busybox","httpd","-f","-p","[::]:8080","-h","/srv"],"ports":[8080]}
                """.formatted(page(), garbage()));
        daemon.ok("POST", "/v1/apps", "{\"name\":\"bank\"}");
        daemon.ok("POST", "/v1/apps", "{\"name\":\"tenant\"}");
        victim = daemon.ok(
                        "POST",
                        "/v1/apps/bank/machines",
                        TestImage.machine("till", ",\"restart\":{\"policy\":\"always\"}"))
                .get("id")
                .stringValue();
        daemon.await("bank", victim, "started");
    }

    @AfterAll
    void stop() throws Exception {
        daemon.close();
    }

    private Path page() throws IOException {
        return Files.writeString(folder.resolve("index.html"), "hello from a guest\n");
    }

    private Path garbage() {
        Path program = folder.resolve("garbage");
        Path source = Path.of(System.getProperty("allod.clone"), "runtime/src/test/rust/garbage.rs");
        String path = System.getenv("PATH") + ":" + System.getProperty("user.home") + "/.cargo/bin";
        Command.of(
                        "env",
                        "PATH=" + path,
                        "rustc",
                        "-C",
                        "target-feature=+crt-static",
                        "-o",
                        program.toString(),
                        source.toString())
                .timeout(Duration.ofMinutes(1))
                .output();
        return program;
    }

    /** A machine of the tenant's whose main process is a script; its id. */
    private String hostile(HostileTenant tenant, String runtime, String script) throws Exception {
        var config = DaemonProcess.JSON.createObjectNode();
        config.put("image", "web");
        config.putObject("guest").put("memory_mb", 256).put("cpus", 1);
        config.putObject("rootfs").put("size_gb", DISK_GB);
        var exec = config.putObject("init").putArray("exec");
        exec.add("/bin/busybox").add("sh").add("-c").add(script);
        var body = DaemonProcess.JSON.createObjectNode();
        body.put("name", "bad-" + runtime).put("runtime", runtime).set("config", config);
        HttpResponse<String> made = tenant.ask("POST", "/v1/apps/tenant/machines", body.toString());
        assertThat(made.statusCode()).as(made.body()).isEqualTo(200);
        return DaemonProcess.JSON.readTree(made.body()).get("id").stringValue();
    }

    @Test
    void tenant_whoTriesEverythingAtOnce_hurtsNobodyElse() throws Exception {
        String token = daemon.ok("POST", "/v1/apps/tenant/deploy_token", "{\"expiry\":\"1h\"}")
                .get("token")
                .stringValue();
        long before = used();
        VictimWatch watch = new VictimWatch(daemon, victim);
        try (watch;
                HostileTenant tenant = new HostileTenant(daemon, token)) {
            TimeUnit.SECONDS.sleep(3);
            double usual = watch.quantileMillis(0.9);
            watch.forgetTimes();

            String sandbox = hostile(tenant, "gvisor", HostileTenant.IN_SANDBOX);
            hostile(tenant, "microvm", HostileTenant.IN_MICROVM);
            long end = System.nanoTime() + ATTACK.toNanos();
            tenant.halfBodies(400);
            tenant.halfHeads(400);
            daemon.await("tenant", sandbox, "started");
            tenant.deafCommands(sandbox, 60);
            refusals(tenant);
            tenant.pipelines(30);
            while (System.nanoTime() < end) {
                TimeUnit.MILLISECONDS.sleep(100);
            }
            double attacked = watch.quantileMillis(0.9);
            System.out.printf(
                    "the victim's p90: %.1f ms usually, %.1f ms attacked, %d requests%n",
                    usual, attacked, watch.asked());
            assertThat(watch.failed()).isEmpty();
            assertThat(attacked).as("the victim's p90, in ms").isLessThan(10 * usual + 250);
            assertThat(used() - before)
                    .as("bytes the tenant's two machines hold on the host's disk")
                    .isLessThan(2L * DISK_GB * (1 << 30) + (200L << 20));
        }

        daemon.kill();
        daemon.start();
        assertThat(daemon.through("bank", "/").statusCode()).isEqualTo(200);
        acknowledgedIsThere(watch);

        // The cure works: all of the tenant's goes, and nothing of it stays on the host.
        long begin = System.nanoTime();
        daemon.ok("DELETE", "/v1/apps/tenant?force=true", "");
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(60));
        assertThat(Files.list(daemon.data.resolve("machines"))
                        .map(p -> p.getFileName().toString()))
                .containsExactly(victim);
    }

    /** What an app's token may not have, asked for while everything else goes on: each is refused, soon and by name. */
    private void refusals(HostileTenant tenant) throws Exception {
        Path fifo = folder.resolve("fifo");
        Command.of("mkfifo", fifo.toString()).output();
        for (String image : new String[] {"oci:/etc", "oci:" + fifo, "oci:/dev/tty"}) {
            refused(tenant, "POST", "/v1/apps/tenant/machines", "{\"config\":{\"image\":\"" + image + "\"}}");
        }
        try (ServerSocket bait = new ServerSocket(0, 8, InetAddress.getLoopbackAddress())) {
            bait.setSoTimeout(1);
            refused(
                    tenant,
                    "POST",
                    "/v1/apps/tenant/machines",
                    "{\"config\":{\"image\":\"127.0.0.1:" + bait.getLocalPort() + "/x:latest\"}}");
            assertThat(org.assertj.core.api.Assertions.catchThrowable(bait::accept))
                    .as("nobody came to the host's own port")
                    .isInstanceOf(java.net.SocketTimeoutException.class);
        }
        refused(tenant, "POST", "/v1/apps/tenant/machines", """
                {"config":{"image":"web","services":[{"internal_port":8080,"ports":[{"port":22}]}]}}""");
    }

    private static void refused(HostileTenant tenant, String method, String path, String body) throws Exception {
        long begin = System.nanoTime();
        HttpResponse<String> answer = tenant.ask(method, path, body);
        assertThat(answer.statusCode()).as(body + ": " + answer.body()).isBetween(400, 499);
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).as(body).isLessThan(Duration.ofSeconds(10));
    }

    /** The value of each of the victim's notes is the last one that was acknowledged, or the one that was under way. */
    private void acknowledgedIsThere(VictimWatch watch) throws IOException {
        Map<String, Integer> last = new LinkedHashMap<>();
        watch.acknowledged().forEach(note -> {
            String[] words = note.split("=");
            last.put(words[0], Integer.valueOf(words[1]));
        });
        assertThat(last).isNotEmpty();
        JsonNode notes = daemon.ok("GET", "/v1/apps/bank/machines/" + victim + "/metadata", "");
        last.forEach((key, value) -> assertThat(Integer.parseInt(notes.path(key).asString("-1")))
                .as(key)
                .isGreaterThanOrEqualTo(value));
    }

    /** Bytes that the daemon's folder takes on its disk. */
    private long used() {
        return Long.parseLong(
                Command.of("du", "-s", "-B1", daemon.data.toString()).output().split("\t")[0]);
    }
}
