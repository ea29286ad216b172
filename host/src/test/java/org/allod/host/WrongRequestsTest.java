package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.allod.base.Poll;
import org.allod.soak.Scratch;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * What a client may get wrong, against a real daemon: each is refused with the status that says whose fault it is and
 * with what is allowed, in the one form that errors have; and nothing is accepted and ignored.
 */
class WrongRequestsTest {
    private static final Pattern LINE = Pattern.compile("(\\d{3}) ([A-Z]+) (\\S+)(?: (\\{.*?}|null))? \\| (.*)");

    /** Status, method, address, body | what the error says. M is a machine that runs, D one that is destroyed. */
    private static final String REQUESTS = """
            400 GET /v1/apps/wrong/machines?state=settled | state is "settled": allowed are creating, created
            400 GET /v1/orgs/personal/machines?state=bogus | state is "bogus": allowed are creating, created
            400 GET /v1/orgs/personal/volumes?state=started | state is "started": allowed are creating, created, extending
            400 POST /v1/apps {"app_name":"one","name":"two"} | say one, or the same in both
            400 POST /v1/apps {"app_name":"spy","network":"app:wrong"} | network is "app:wrong"
            400 POST /v1/platform/placements {"org_slug":"personal","weights":5} | weights is 5: it must be an object
            400 POST M/start {"foo":1} | unknown field foo
            400 POST M/suspend {"foo":1} | unknown field foo
            400 POST M/cordon {"foo":1} | unknown field foo
            400 POST M/stop {"timeout":5} | timeout is 5 ns: it must be 1ms at least
            400 POST M/stop {"signal":99} | signal is "99": allowed are SIGABRT
            400 POST M/exec {"command":["a\\u0000b"]} | command[0] has a NUL character
            400 POST M/exec {"command":[""]} | it must name a program
            400 POST M {"config":{"image":"web","env":{"A":"\\u0000"}}} | config.env.A has a NUL character
            400 POST M {"config":{"image":"no such"}} | config.image: "no such" is no reference
            404 GET M/metadata/a%2Fb | has no metadata a/b
            404 POST D/start | is destroyed
            404 POST D/stop | is destroyed
            404 POST D/resume | is destroyed
            404 POST D/cordon | is destroyed
            404 POST D/uncordon | is destroyed
            404 POST D/signal {"signal":"SIGHUP"} | is destroyed
            404 POST D/exec {"command":["true"]} | is destroyed
            404 GET D/ps | is destroyed
            404 GET D/memory | is destroyed
            404 POST D/lease | is destroyed
            405 PATCH /v1/apps | allowed are GET, HEAD, POST
            """;

    @Test
    void wrongRequest_isRefusedWithItsReason_andNothingChanges() throws Exception {
        try (DaemonProcess daemon =
                new DaemonProcess(Scratch.folder("allod-wrong").resolve("data"), "--runtime", "gvisor").start()) {
            TestImage.build(daemon);
            daemon.ok("POST", "/v1/apps", "{\"name\":\"wrong\",\"org_slug\":\"personal\"}");
            String machine = made(daemon, "one");
            String gone = made(daemon, "two");
            daemon.ok("DELETE", gone + "?force=true", "");
            daemon.await("wrong", gone.substring(gone.lastIndexOf('/') + 1), "destroyed");
            JsonNode before = daemon.ok("GET", machine, "");
            for (String line : REQUESTS.split("\n", -1)) {
                if (!line.isBlank()) {
                    refused(daemon, line, machine, gone);
                }
            }
            JsonNode after = daemon.ok("GET", machine, "");
            for (String kept : List.of("state", "instance_id", "config", "cordoned", "image_ref")) {
                assertThat(after.get(kept)).as(kept).isEqualTo(before.get(kept));
            }
            assertThat(daemon.ok("GET", "/v1/apps", "").get("total_apps").intValue())
                    .isEqualTo(1);
            assertThat(daemon.ok("GET", "/v1/apps?app_role=none", "")
                            .get("total_apps")
                            .intValue())
                    .isZero();
            rightOnes(daemon, machine);
            daemon.ok("DELETE", "/v1/apps/wrong?force=true", "");
            endsAlone(daemon);
        }
    }

    /** What is accepted as an app is deleted is not there for the next one of its name. */
    private static void endsAlone(DaemonProcess daemon) throws Exception {
        for (int i = 0; i < 20; i++) {
            String app = "/v1/apps/brief-" + i;
            daemon.ok("POST", "/v1/apps", "{\"app_name\":\"brief-" + i + "\"}");
            List<FutureTask<Integer>> all = List.of(
                    asked(daemon, "POST", app + "/secrets", "{\"values\":{\"A\":\"of the first\"}}"),
                    asked(daemon, "POST", app + "/deploy_token", "{}"),
                    asked(daemon, "DELETE", app, ""),
                    asked(daemon, "POST", app + "/ip_assignments", "{}"),
                    asked(daemon, "POST", app + "/secretkeys/k/generate", "{\"type\":\"hs256\"}"));
            for (FutureTask<Integer> one : all) {
                assertThat(one.get(30, TimeUnit.SECONDS)).isIn(200, 201, 202, 404, 409);
            }
            daemon.ok("POST", "/v1/apps", "{\"app_name\":\"brief-" + i + "\"}");
            assertThat(daemon.ok("GET", app + "/secrets", "").get("secrets")).isEmpty();
            assertThat(daemon.ok("GET", app + "/secretkeys", "").get("secret_keys"))
                    .isEmpty();
            assertThat(daemon.ok("GET", app + "/ip_assignments", "").get("ips")).isEmpty();
            assertThat(daemon.call("GET", "/v1/tokens", "").body()).doesNotContain("\"brief-" + i + "\"");
        }
    }

    private static FutureTask<Integer> asked(DaemonProcess daemon, String method, String path, String body) {
        FutureTask<Integer> task =
                new FutureTask<>(() -> daemon.call(method, path, body).statusCode());
        Thread.ofVirtual().start(task);
        return task;
    }

    private static String made(DaemonProcess daemon, String name) throws Exception {
        String id = daemon.ok("POST", "/v1/apps/wrong/machines", TestImage.machine(name, ""))
                .get("id")
                .stringValue();
        daemon.await("wrong", id, "started");
        return "/v1/apps/wrong/machines/" + id;
    }

    private static void refused(DaemonProcess daemon, String line, String machine, String gone) throws Exception {
        Matcher parts = LINE.matcher(line);
        assertThat(parts.matches()).as(line).isTrue();
        String address = parts.group(3).replaceFirst("^M(?=/|$)", machine).replaceFirst("^D(?=/|$)", gone);
        String body = parts.group(4) == null ? "" : parts.group(4);
        HttpResponse<String> answer = daemon.call(parts.group(2), address, body);
        assertThat(answer.statusCode()).as("%s: %s", line, answer.body()).isEqualTo(Integer.parseInt(parts.group(1)));
        assertThat(answer.headers().firstValue("content-type")).contains("application/json");
        assertThat(answer.headers().firstValue("fly-request-id")).isPresent();
        JsonNode error = DaemonProcess.JSON.readTree(answer.body());
        assertThat(error.get("error").stringValue()).as(line).contains(parts.group(5));
        assertThat(error.get("status").stringValue()).isEqualTo("unknown");
        assertThat(error.get("details").isObject()).isTrue();
    }

    /** What looks as if it were wrong, and is not. */
    private static void rightOnes(DaemonProcess daemon, String machine) throws Exception {
        assertThat(daemon.call("POST", machine + "/metadata/a%2Fb", "{\"value\":\"c\"}")
                        .statusCode())
                .isEqualTo(204);
        assertThat(daemon.ok("GET", machine + "/metadata/a%2Fb", "")
                        .get("value")
                        .stringValue())
                .isEqualTo("c");
        JsonNode much = daemon.ok(
                "POST",
                machine + "/exec",
                "{\"command\":[\"/bin/busybox\",\"sh\",\"-c\",\"busybox yes | busybox head -c 2000000\"]}");
        assertThat(much.get("stdout").stringValue()).hasSize(1 << 20);
        assertThat(much.get("truncated").booleanValue()).isTrue();
        assertThat(daemon.ok("POST", machine + "/exec", "{\"command\":[\"/bin/busybox\",\"true\"]}")
                        .has("truncated"))
                .isFalse();
        daemon.ok("POST", machine + "/start", "null");
        // A command whose machine is stopped meanwhile: nobody's fault, and no 500.
        FutureTask<HttpResponse<String>> cut = new FutureTask<>(
                () -> daemon.call("POST", machine + "/exec", "{\"command\":[\"/bin/busybox\",\"sleep\",\"987\"]}"));
        Thread.ofVirtual().start(cut);
        Poll.until(Duration.ofSeconds(20), Duration.ofMillis(20), "the command's start", () -> {
            try {
                return daemon.call("GET", machine + "/ps", "").body().contains("sleep 987");
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        daemon.ok("POST", machine + "/stop", "{\"signal\":9,\"timeout\":\"5s\"}");
        HttpResponse<String> answer = cut.get(30, TimeUnit.SECONDS);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(409);
        assertThat(answer.body()).contains("has just ended");
        daemon.await("wrong", machine.substring(machine.lastIndexOf('/') + 1), "stopped");
    }
}
