package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.allod.soak.Scratch;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Deploys of real guests by a real daemon, under requests through its edge, with the daemon killed in the middle. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class DeployTest {
    private static final String APP = "/v1/apps/site";
    private static final String DEPLOYS = APP + "/deploys";

    private final Set<String> ours = new HashSet<>();
    private DaemonProcess daemon;

    @BeforeAll
    void start() throws Exception {
        daemon = new DaemonProcess(Scratch.folder("allod-deploys").resolve("data")).start();
        TestImage.build(daemon);
        daemon.ok("POST", "/v1/apps", "{\"name\":\"site\",\"org_slug\":\"personal\"}");
    }

    @AfterAll
    void stop() throws Exception {
        if (daemon != null) {
            machines().forEach(m -> ours.add(m.get("id").stringValue()));
            daemon.ok("DELETE", APP + "?force=true", "");
            assertThat(Leftovers.of(Set.of(), ours, daemon.data)).isEmpty();
            daemon.close();
        }
    }

    /** Two machines that serve their version at /version, checked at {@code check}. */
    private static String plan(String version, String strategy, String check) {
        String content = Base64.getEncoder().encodeToString((version + "\n").getBytes(StandardCharsets.UTF_8));
        return """
                {"strategy":"%s","max_unavailable":1,"wait_timeout":"8s","groups":[{"name":"web","count":2,"config":
                  {"image":"web","guest":{"memory_mb":128},"env":{"VERSION":"%s"},
                   "files":[{"guest_path":"/srv/version","raw_value":"%s"}],
                   "stop_config":{"timeout":"2s"},
                   "services":[{"internal_port":8080,"ports":[{"port":80,"handlers":["http"]}],
                     "checks":[{"type":"http","path":"%s","interval":"300ms","timeout":"1s"}]}]}}]}
                """.formatted(strategy, version, content, check);
    }

    private JsonNode deploy(String plan) throws Exception {
        return daemon.ok("POST", DEPLOYS, plan);
    }

    private JsonNode over(JsonNode deploy) throws Exception {
        long until = System.nanoTime() + 90_000_000_000L;
        while (true) {
            JsonNode now = daemon.ok("GET", DEPLOYS + "/" + deploy.get("id").stringValue(), "");
            if (now.has("ended_at")) {
                return now;
            }
            assertThat(System.nanoTime())
                    .as("not over: %s\n%s", now, daemon.log())
                    .isLessThan(until);
            Thread.sleep(100);
        }
    }

    private List<JsonNode> machines() throws Exception {
        List<JsonNode> all = new ArrayList<>();
        daemon.ok("GET", APP + "/machines", "").forEach(m -> {
            ours.add(m.get("id").stringValue());
            all.add(m);
        });
        return all;
    }

    /** The versions that the machines' configurations say, and that their guests serve. */
    private void serves(String version) throws Exception {
        assertThat(machines()).hasSize(2).allSatisfy(m -> {
            assertThat(m.at("/config/env/VERSION").stringValue()).isEqualTo(version);
            assertThat(m.get("state").stringValue()).isEqualTo("started");
            assertThat(m.get("cordoned").booleanValue()).isFalse();
        });
        for (int i = 0; i < 6; i++) {
            assertThat(daemon.through("site", "/version").body()).isEqualTo(version + "\n");
        }
    }

    private static String status(JsonNode deploy) {
        return deploy.get("status").stringValue();
    }

    @Test
    @Order(1)
    void firstDeploy_makesTheMachines_andTheEdgeServesThem() throws Exception {
        JsonNode end = over(deploy(plan("v1", "rolling", "/version")));
        assertThat(status(end)).as(end.toString()).isEqualTo("done");
        assertThat(end.at("/groups/0/image").stringValue()).startsWith("web@sha256:");
        serves("v1");
    }

    @Test
    @Order(2)
    void rolling_underRequests_losesNone() throws Exception {
        Set<String> before = ids();
        try (Requests requests = new Requests(daemon, "site", "/version")) {
            JsonNode end = over(deploy(plan("v2", "rolling", "/version")));
            assertThat(status(end)).as(end.toString()).isEqualTo("done");
            assertThat(requests.failed()).isEmpty();
            assertThat(requests.answered()).isGreaterThan(5);
        }
        serves("v2");
        assertThat(ids()).isEqualTo(before);
    }

    @Test
    @Order(3)
    void checkThatFails_rollsBack_andLosesNone() throws Exception {
        try (Requests requests = new Requests(daemon, "site", "/version")) {
            JsonNode end = over(deploy(plan("v3", "rolling", "/missing")));
            assertThat(status(end)).as(end.toString()).isEqualTo("rolled_back");
            assertThat(end.get("why").stringValue()).contains("did not pass its checks within 8s", "404");
            assertThat(requests.failed()).isEmpty();
            assertThat(requests.bodies()).doesNotContain("v3\n");
        }
        serves("v2");
    }

    @Test
    @Order(4)
    void secondDeploy_whileOneRuns_isRefusedByName_andCancelTakesTheFirstBack() throws Exception {
        JsonNode first = deploy(plan("v4", "rolling", "/missing"));
        HttpResponse<String> second = daemon.call("POST", DEPLOYS, plan("v5", "rolling", "/version"));
        assertThat(second.statusCode()).isEqualTo(409);
        assertThat(second.body()).contains(first.get("id").stringValue(), "being deployed already");
        daemon.ok("POST", DEPLOYS + "/" + first.get("id").stringValue() + "/cancel", "{\"cause\":\"second thoughts\"}");
        JsonNode end = over(first);
        assertThat(status(end)).isEqualTo("rolled_back");
        assertThat(end.get("why").stringValue()).contains("second thoughts");
        serves("v2");
    }

    /** What the command does, killed: its connection breaks off in the middle of a line. */
    @Test
    @Order(5)
    void commandThatWatches_killed_changesNothingForTheDeploy() throws Exception {
        JsonNode deploy = deploy(plan("v5", "rolling", "/version"));
        String watch = DEPLOYS + "/" + deploy.get("id").stringValue() + "/watch";
        String token = Files.readString(daemon.data.resolve("operator.token")).strip();
        try (var socket = new java.net.Socket(java.net.InetAddress.getLoopbackAddress(), daemon.api)) {
            socket.setSoLinger(true, 0);
            socket.getOutputStream()
                    .write(("GET " + watch + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + token
                                    + "\r\n\r\n")
                            .getBytes(StandardCharsets.UTF_8));
            assertThat(socket.getInputStream().read()).isPositive();
        }
        assertThat(status(over(deploy))).isEqualTo("done");
        serves("v5");
    }

    @Test
    @Order(5)
    void daemonKilledInTheMiddle_theDeployIsFinished() throws Exception {
        JsonNode deploy = deploy(plan("v6", "rolling", "/version"));
        var _ = awaitPhase(deploy, "changing", "verifying", "serving");
        daemon.kill();
        daemon.start();
        JsonNode end = over(deploy);
        assertThat(status(end)).as(end.toString()).isEqualTo("done");
        serves("v6");
    }

    @Test
    @Order(6)
    void daemonKilledDuringTheRollBack_theRollBackIsFinished() throws Exception {
        JsonNode deploy = deploy(plan("v7", "rolling", "/missing"));
        var _ = awaitPhase(deploy, "restoring");
        daemon.kill();
        daemon.start();
        JsonNode end = over(deploy);
        assertThat(status(end)).as(end.toString()).isEqualTo("rolled_back");
        serves("v6");
    }

    @Test
    @Order(7)
    void blueGreen_underRequests_losesNone() throws Exception {
        Set<String> before = ids();
        try (Requests requests = new Requests(daemon, "site", "/version")) {
            JsonNode end = over(deploy(plan("v8", "bluegreen", "/version")));
            assertThat(status(end)).as(end.toString()).isEqualTo("done");
            assertThat(requests.failed()).isEmpty();
        }
        serves("v8");
        assertThat(ids()).doesNotContainAnyElementsOf(before);
    }

    @Test
    @Order(8)
    void blueGreen_thatFails_leavesTheOldOnes_andNothingElse() throws Exception {
        Set<String> before = ids();
        try (Requests requests = new Requests(daemon, "site", "/version")) {
            JsonNode end = over(deploy(plan("v9", "bluegreen", "/missing")));
            assertThat(status(end)).as(end.toString()).isEqualTo("rolled_back");
            assertThat(requests.failed()).isEmpty();
            assertThat(requests.bodies()).containsOnly("v8\n");
        }
        assertThat(ids()).isEqualTo(before);
        serves("v8");
    }

    @Test
    @Order(9)
    void imageThatIsMissing_touchesNothing() throws Exception {
        JsonNode end = over(deploy(
                plan("v10", "rolling", "/version").replace("\"image\":\"web\"", "\"image\":\"oci:/nowhere/at/all\"")));
        assertThat(status(end)).isEqualTo("rolled_back");
        assertThat(end.get("why").stringValue()).contains("no image at /nowhere/at/all");
        assertThat(end.get("machines")).isEmpty();
        serves("v8");
    }

    @Test
    @Order(10)
    void rollback_deploysAgainWhatWasBefore() throws Exception {
        JsonNode end = over(daemon.ok("POST", DEPLOYS + "/rollback", ""));
        assertThat(status(end)).as(end.toString()).isEqualTo("done");
        serves("v6");
    }

    /** Metadata changes without a version, so the version before does not have it. */
    @Test
    @Order(11)
    void metadataNotedSinceTheVersion_outlivesTheRollBack() throws Exception {
        String path = APP + "/machines/" + machines().getFirst().get("id").stringValue();
        JsonNode config = daemon.ok("GET", path, "").get("config");
        ((ObjectNode) config.get("metadata")).put("kept", "of the version").put("gone", "of the version");
        daemon.ok("POST", path, "{\"config\":" + config + "}");
        daemon.ok("GET", path + "/wait?state=started&timeout=30", "");
        daemon.ok("PATCH", path + "/metadata", "{\"metadata\":{\"kept\":\"since\",\"gone\":null,\"new\":\"since\"}}");
        JsonNode before = daemon.ok("GET", path, "").get("config");

        assertThat(status(over(deploy(plan("v11", "rolling", "/missing"))))).isEqualTo("rolled_back");
        assertThat(daemon.ok("GET", path, "").get("config")).isEqualTo(before);
    }

    /** While a machine proves itself, and once it serves and others follow. */
    @Test
    @Order(12)
    void updateBySomebodyElse_failsTheDeploy_andIsLeftAlone() throws Exception {
        for (String phase : List.of("verifying", "serving")) {
            JsonNode deploy = deploy(plan("v12", "rolling", "/version"));
            String theirs = awaitPhase(deploy, phase);
            String path = APP + "/machines/" + theirs;
            JsonNode config = daemon.ok("GET", path, "").get("config");
            ((ObjectNode) config.get("env")).put("VERSION", "theirs");
            ((ObjectNode) config.get("metadata")).remove("allod_deploy");
            daemon.ok("POST", path, "{\"config\":" + config + "}");

            JsonNode end = over(deploy);
            assertThat(status(end)).as(end.toString()).isEqualTo("rolled_back");
            assertThat(end.get("why").stringValue()).contains("was given another configuration by somebody else");
            for (JsonNode machine : machines()) {
                boolean changed = machine.get("id").stringValue().equals(theirs);
                assertThat(machine.at("/config/env/VERSION").stringValue()).isEqualTo(changed ? "theirs" : "v6");
            }
            assertThat(status(over(daemon.ok("POST", DEPLOYS + "/rollback", "{\"to\":\"" + last() + "\"}"))))
                    .isEqualTo("done");
        }
    }

    /** In a machine of its own, with the new version's environment, and before anything of the old one is touched. */
    @Test
    @Order(13)
    void releaseCommand_thatEndsWell_goesBeforeTheVersion_andOneThatDoesNotTouchesNothing() throws Exception {
        Set<String> before = ids();
        JsonNode end = over(deploy(released("v13", "test \"$VERSION\" = v13")));
        assertThat(status(end)).as(end.toString()).isEqualTo("done");
        serves("v13");
        assertThat(ids()).isEqualTo(before);

        end = over(deploy(released("v14", "echo no table users >&2; exit 3")));
        assertThat(status(end)).isEqualTo("rolled_back");
        assertThat(end.get("why").stringValue()).contains("the release command `busybox sh -c", "failed", "code 3");
        assertThat(end.get("machines")).isEmpty();
        JsonNode left = null;
        for (JsonNode machine : machines()) {
            if (!before.contains(machine.get("id").stringValue())) {
                left = machine;
            }
        }
        assertThat(left).isNotNull();
        assertThat(left.get("state").stringValue()).isEqualTo("stopped");
        assertThat(daemon.call("GET", APP + "/machines/" + left.get("id").stringValue() + "/logs", "")
                        .body())
                .contains("no table users");

        // Killed in the middle of it, the daemon waits for the one that runs: it writes to its own root, once.
        JsonNode third = deploy(released("v15", "sleep 3"));
        Thread.sleep(1_500);
        daemon.kill();
        daemon.start();
        end = over(third);
        assertThat(status(end)).as(end.toString()).isEqualTo("done");
        serves("v15");
        assertThat(ids()).isEqualTo(before);
    }

    private static String released(String version, String script) {
        return plan(version, "rolling", "/version")
                .strip()
                .replaceFirst(
                        "\\{",
                        java.util.regex.Matcher.quoteReplacement(
                                "{\"release\":{\"command\":[\"busybox\",\"sh\",\"-c\",\"" + script.replace("\"", "\\\"")
                                        + "\"]},"));
    }

    private String last() throws Exception {
        for (JsonNode deploy : daemon.ok("GET", DEPLOYS, "").get("deploys")) {
            if (deploy.get("status").stringValue().equals("done")) {
                return deploy.get("id").stringValue();
            }
        }
        throw new AssertionError("nothing was deployed");
    }

    private Set<String> ids() throws Exception {
        Set<String> ids = new TreeSet<>();
        machines().forEach(m -> ids.add(m.get("id").stringValue()));
        return ids;
    }

    /** The id of the first machine seen in one of the phases. */
    private String awaitPhase(JsonNode deploy, String... phases) throws Exception {
        long until = System.nanoTime() + 60_000_000_000L;
        while (true) {
            JsonNode now = daemon.ok("GET", DEPLOYS + "/" + deploy.get("id").stringValue(), "");
            for (JsonNode machine : now.get("machines")) {
                if (List.of(phases).contains(machine.get("phase").stringValue())) {
                    return machine.get("id").stringValue();
                }
            }
            assertThat(System.nanoTime())
                    .as("no machine came to %s: %s", List.of(phases), now)
                    .isLessThan(until);
            assertThat(now.has("ended_at")).as(now.toString()).isFalse();
            Thread.sleep(5);
        }
    }
}
