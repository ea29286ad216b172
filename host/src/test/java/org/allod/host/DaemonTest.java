package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import org.allod.soak.Scratch;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import tools.jackson.databind.JsonNode;

/**
 * One real daemon with real guests, used as a client would: through its API and its edge. The tests share it, and go
 * from what a new user does to what goes wrong.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class DaemonTest {
    private static final String APP = "/v1/apps/shop";
    private static final String MACHINES = APP + "/machines";

    private final Set<String> ours = new HashSet<>();
    private DaemonProcess daemon;
    private String id = "";

    @BeforeAll
    void start() throws Exception {
        daemon = new DaemonProcess(Scratch.folder("allod-daemon").resolve("data"), "--idle", "3").start();
        TestImage.fromPackages(daemon);
        daemon.ok("POST", "/v1/apps", "{\"name\":\"shop\",\"org_slug\":\"personal\"}");
    }

    @AfterAll
    void stop() throws Exception {
        if (daemon != null) {
            daemon.ok("DELETE", APP + "?force=true", "");
            assertThat(Leftovers.of(Set.of(), ours, daemon.data)).isEmpty();
            daemon.close();
        }
    }

    private JsonNode create(String body) throws Exception {
        JsonNode machine = daemon.ok("POST", MACHINES, body);
        ours.add(machine.get("id").stringValue());
        return machine;
    }

    private HttpResponse<String> refused(String method, String path, String body, int status) throws Exception {
        HttpResponse<String> answer = daemon.call(method, path, body);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
        return answer;
    }

    @Test
    @Order(1)
    void create_aWebServer_isServedThroughTheEdge() throws Exception {
        id = create(TestImage.machine("one", "")).get("id").stringValue();
        daemon.await("shop", id, "started");
        assertThat(daemon.through("shop", "/").body()).isEqualTo("hello from a guest\n");
    }

    @Test
    @Order(2)
    void request_toAStoppedMachine_startsIt() throws Exception {
        daemon.ok("POST", MACHINES + "/" + id + "/stop", "");
        daemon.await("shop", id, "stopped");
        assertThat(daemon.through("shop", "/").body()).isEqualTo("hello from a guest\n");
        daemon.await("shop", id, "started");
    }

    @Test
    @Order(3)
    void request_toASuspendedMachine_findsItsMemoryAgain() throws Exception {
        exec("sh", "-c", "echo kept > /tmp/note; sleep 1000 & echo $! > /tmp/pid");
        daemon.ok("POST", MACHINES + "/" + id + "/suspend", "");
        daemon.await("shop", id, "suspended");
        assertThat(daemon.through("shop", "/").statusCode()).isEqualTo(200);
        assertThat(exec("sh", "-c", "cat /tmp/note; kill -0 $(cat /tmp/pid) && echo alive")
                        .get("stdout")
                        .stringValue())
                .isEqualTo("kept\nalive\n");
    }

    private JsonNode exec(String... command) throws Exception {
        var body = DaemonProcess.JSON.createObjectNode();
        var argv = body.putArray("command");
        for (String word : command) {
            argv.add(word.equals("sh") ? "/bin/busybox" : word);
            if (word.equals("sh")) {
                argv.add("sh");
            }
        }
        return daemon.ok("POST", MACHINES + "/" + id + "/exec", body.toString());
    }

    @Test
    @Order(4)
    void daemon_killedAndStartedAgain_adoptsTheGuest() throws Exception {
        exec("sh", "-c", "echo before > /tmp/who");
        daemon.kill();
        daemon.start();
        assertThat(daemon.ok("GET", MACHINES + "/" + id, "").get("state").stringValue())
                .isEqualTo("started");
        assertThat(exec("sh", "-c", "cat /tmp/who").get("stdout").stringValue()).isEqualTo("before\n");
        assertThat(daemon.through("shop", "/").statusCode()).isEqualTo(200);
    }

    /** The page is judged by Prometheus's own checker, and must tell of the guest that runs. */
    @Test
    @Order(4)
    void metrics_withAGuestRunning_tellOfItAndPassPromtool() throws Exception {
        String page = daemon.call("GET", "/metrics", "").body();
        Process promtool = new ProcessBuilder("promtool", "check", "metrics")
                .redirectErrorStream(true)
                .start();
        promtool.getOutputStream().write(page.getBytes(java.nio.charset.StandardCharsets.UTF_8));
        promtool.getOutputStream().close();
        assertThat(new String(promtool.getInputStream().readAllBytes())).isEmpty();
        assertThat(promtool.waitFor()).isZero();
        String who = "{app=\"shop\",machine=\"" + id + "\",name=\"one\"} ";
        assertThat(page.lines().filter(line -> line.contains(who)).map(line -> line.substring(0, line.indexOf('{'))))
                .contains(
                        "allod_machine_cpu_seconds_total",
                        "allod_machine_memory_bytes",
                        "allod_machine_network_received_bytes_total",
                        "allod_machine_network_sent_bytes_total",
                        "allod_machine_disk_bytes");
        assertThat(page)
                .contains("allod_machines{state=\"started\"} 1.0", "allod_edge_requests_total")
                .containsPattern("allod_runs_started_total\\{type=\"[a-z.]+\"} [0-9.]+");
    }

    @Test
    @Order(5)
    void mainProcess_failing_isRestartedByPolicy() throws Exception {
        // PID 1's child is the server: killed from inside, as a crash would.
        String before = daemon.ok("GET", MACHINES + "/" + id + "/events?limit=1", "")
                .get(0)
                .get("id")
                .stringValue();
        exec("sh", "-c", "kill -9 $(pidof busybox | tr ' ' '\\n' | sort -n | head -1)");
        for (int i = 0; i < 200; i++) {
            JsonNode newest = daemon.ok("GET", MACHINES + "/" + id + "/events?limit=1", "")
                    .get(0);
            if (newest.get("type").stringValue().equals("start")
                    && !newest.get("id").stringValue().equals(before)) {
                break;
            }
            Thread.sleep(50);
        }
        JsonNode events = daemon.ok("GET", MACHINES + "/" + id + "/events?limit=3", "");
        assertThat(events.toString()).contains("\"exit_code\":137").contains("\"requested_stop\":false");
        assertThat(daemon.through("shop", "/").statusCode()).isEqualTo(200);
    }

    @Test
    @Order(6)
    void update_newEnvironment_isANewVersion() throws Exception {
        JsonNode before = daemon.ok("GET", MACHINES + "/" + id, "");
        String body = TestImage.machine("one", ",\"env\":{\"COLOUR\":\"green\"}");
        refused(
                "POST",
                MACHINES + "/" + id,
                body.replaceFirst("\\{", "{\"current_version\":\"01ARZ3NDEKTSV4RRFFQ69G5FAV\","),
                412);
        JsonNode after = daemon.ok("POST", MACHINES + "/" + id, body);
        assertThat(after.get("instance_id")).isNotEqualTo(before.get("instance_id"));
        daemon.await("shop", id, "started");
        assertThat(exec("sh", "-c", "echo $COLOUR").get("stdout").stringValue()).isEqualTo("green\n");
        assertThat(daemon.ok("GET", MACHINES + "/" + id + "/versions", "")).hasSize(2);
    }

    @Test
    @Order(7)
    void idleMachine_withAutostop_isStoppedAndWokenAgain() throws Exception {
        String body = TestImage.machine("one", "")
                .replace("\"internal_port\":8080,", "\"internal_port\":8080,\"autostop\":\"suspend\",");
        daemon.ok("POST", MACHINES + "/" + id, body);
        daemon.await("shop", id, "started");
        assertThat(daemon.through("shop", "/").statusCode()).isEqualTo(200);
        daemon.await("shop", id, "suspended");
        assertThat(daemon.through("shop", "/").statusCode()).isEqualTo(200);
    }

    @Test
    @Order(8)
    void badRequests_sayWhatWhereAndWhatToDo() throws Exception {
        assertThat(refused("POST", MACHINES, TestImage.machine("two", ",\"gest\":{}"), 400)
                        .body())
                .contains("unknown field config.gest")
                .contains("did you mean config.guest?");
        assertThat(refused(
                                "POST",
                                MACHINES,
                                TestImage.machine("two", "").replace("\"web\"", "\"127.0.0.1:9/nowhere:1\""),
                                500)
                        .body())
                .contains("nowhere");
        assertThat(refused("POST", MACHINES, TestImage.machine("one", ""), 409).body())
                .contains("has a machine called one already");
        assertThat(refused("POST", MACHINES, TestImage.machine("big", "").replace("128", "1000000"), 409)
                        .body())
                .contains("insufficient_capacity")
                .contains("memory_mb");
        assertThat(refused("POST", MACHINES, "{\"config\":", 400).body()).contains("the body is not JSON");
        assertThat(refused("GET", "/v1/apps/shopp", "", 404).body()).contains("did you mean shop?");
        refused("GET", MACHINES + "/00000000000000", "", 404);
        refused("GET", MACHINES + "/xyz", "", 404);
        refused("GET", MACHINES + "/" + id + "/wait?state=asleep", "", 400);
        refused("GET", MACHINES + "?colour=red", "", 400);
        refused("PATCH", "/v1/apps", "", 405);
        refused("GET", "/v2", "", 404);
        refused("GET", "/v1/host/token", "", 403);
        refused("DELETE", MACHINES + "/" + id, "", 409);
        assertThat(refused("POST", MACHINES + "/" + id + "/stop", "{\"id\":\"00000000000000\"}", 400)
                        .body())
                .contains("id is \\\"00000000000000\\\"", id);
        assertThat(refused(
                                "POST",
                                MACHINES + "/" + id,
                                TestImage.machine("one", ",\"metrics\":{}")
                                        .replaceFirst("\\{", "{\"skip_service_registration\":true,"),
                                422)
                        .body())
                .contains("skip_service_registration", "cordon");
        // None of it made anything.
        assertThat(daemon.ok("GET", MACHINES, "")).hasSize(1);
    }

    @Test
    @Order(9)
    void tcp_withoutTheToken_isRefused() throws Exception {
        var http = java.net.http.HttpClient.newHttpClient();
        var request = java.net.http.HttpRequest.newBuilder(
                        java.net.URI.create("http://127.0.0.1:" + daemon.api + "/v1/apps"))
                .header("Authorization", "Bearer allod_wrong")
                .build();
        HttpResponse<String> answer = http.send(request, HttpResponse.BodyHandlers.ofString());
        assertThat(answer.statusCode()).isEqualTo(401);
        assertThat(answer.body()).contains("allod auth token");
    }

    @Test
    @Order(10)
    void logs_holdWhatTheGuestWrote() throws Exception {
        JsonNode talker = create("""
                {"name":"talker","config":{"image":"web","guest":{"memory_mb":128},"restart":{"policy":"no"},
                 "init":{"exec":["/bin/busybox","sh","-c","echo one; echo two >&2; exit 3"]}}}
                """);
        String talkerId = talker.get("id").stringValue();
        daemon.await("shop", talkerId, "stopped");
        String lines =
                daemon.call("GET", MACHINES + "/" + talkerId + "/logs", "").body();
        assertThat(lines)
                .contains("\"stream\":\"stdout\",\"text\":\"one\"")
                .contains("\"stream\":\"stderr\",\"text\":\"two\"");
        assertThat(daemon.ok("GET", MACHINES + "/" + talkerId + "/events", "").toString())
                .contains("\"exit_code\":3");
        daemon.ok("DELETE", MACHINES + "/" + talkerId, "");
        daemon.await("shop", talkerId, "destroyed");
    }

    @Test
    @Order(10)
    void streamedExec_carriesItsStreamsAndItsEnd() throws Exception {
        String json = "{\"command\":[\"/bin/busybox\",\"sh\",\"-c\",\"cat; echo oops >&2; exit 7\"]}";
        try (var socket = new java.net.Socket("127.0.0.1", daemon.api)) {
            socket.setSoTimeout(20_000);
            String token =
                    Files.readString(daemon.data.resolve("operator.token")).strip();
            socket.getOutputStream()
                    .write(("POST " + MACHINES + "/" + id + "/exec/stream HTTP/1.1\r\nHost: x\r\n"
                                    + "Connection: Upgrade\r\nUpgrade: allod-exec/1\r\nContent-Length: 0\r\n"
                                    + "Authorization: Bearer " + token + "\r\nX-Allod-Exec: "
                                    + java.util.Base64.getUrlEncoder().encodeToString(json.getBytes()) + "\r\n\r\n")
                            .getBytes());
            var in = new java.io.DataInputStream(socket.getInputStream());
            var out = new java.io.DataOutputStream(socket.getOutputStream());
            StringBuilder head = new StringBuilder();
            while (!head.toString().endsWith("\r\n\r\n")) {
                head.append((char) in.readUnsignedByte());
            }
            assertThat(head.toString()).startsWith("HTTP/1.1 101");
            frame(out, 0, "typed\n".getBytes());
            frame(out, 0, new byte[0]);
            java.util.Map<Integer, String> streams = new java.util.TreeMap<>();
            while (!streams.containsKey(5)) {
                int type = in.readUnsignedByte();
                streams.merge(type, new String(in.readNBytes(in.readInt())), String::concat);
            }
            assertThat(streams.get(1)).isEqualTo("typed\n");
            assertThat(streams.get(2)).isEqualTo("oops\n");
            assertThat(streams.get(5)).contains("\"exit_code\":7");
        }
    }

    private static void frame(java.io.DataOutputStream out, int type, byte[] payload) throws Exception {
        out.writeByte(type);
        out.writeInt(payload.length);
        out.write(payload);
        out.flush();
    }

    @Test
    @Order(11)
    void secondDaemon_onTheSameFolder_isRefused() throws Exception {
        DaemonProcess second = new DaemonProcess(daemon.data);
        second.begin();
        assertThat(second.process().waitFor(30, java.util.concurrent.TimeUnit.SECONDS))
                .isTrue();
        assertThat(second.process().exitValue()).isEqualTo(4);
        assertThat(second.log()).contains("another daemon holds");
    }

    @Test
    @Order(12)
    void busyPort_isNamed() throws Exception {
        Path data = Scratch.folder("allod-busy").resolve("data");
        DaemonProcess second = new DaemonProcess(data);
        second.api = daemon.api;
        second.edge = DaemonProcess.freePort();
        second.begin();
        assertThat(second.process().waitFor(30, java.util.concurrent.TimeUnit.SECONDS))
                .isTrue();
        assertThat(second.process().exitValue()).isEqualTo(4);
        assertThat(second.log())
                .contains("cannot open the API at 127.0.0.1:" + daemon.api)
                .contains("--api");
    }

    @Test
    @Order(13)
    void hostWithoutAnyRuntime_saysWhatToDo() throws Exception {
        Path data = Scratch.folder("allod-bare").resolve("data");
        Path empty = Scratch.folder("allod-no-tools");
        DaemonProcess second = new DaemonProcess(data, "--tools", empty.toString());
        second.begin();
        assertThat(second.process().waitFor(90, java.util.concurrent.TimeUnit.SECONDS))
                .isTrue();
        assertThat(second.process().exitValue()).isEqualTo(4);
        assertThat(second.log()).contains("no runtime works on this host").contains("allod setup");
    }

    @Test
    @Order(14)
    void wrongUse_ofTheDaemon_isSaid() throws Exception {
        for (String[] wrong : new String[][] {{"--colour", "red"}, {"--idle", "soon"}, {"--runtime", "docker"}}) {
            DaemonProcess second =
                    new DaemonProcess(Scratch.folder("allod-wrong").resolve("data"), wrong);
            second.begin();
            assertThat(second.process().waitFor(30, java.util.concurrent.TimeUnit.SECONDS))
                    .isTrue();
            assertThat(second.process().exitValue()).isEqualTo(2);
            assertThat(second.log()).contains(wrong[0]).doesNotContain("\tat ");
        }
    }
}
