package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.allod.soak.Scratch;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** More sleeping machines than may boot at once, all asked for together, on a real daemon: each is admitted and answers. */
class WakeStormTest {
    private static final int APPS = 5;

    @Test
    void stoppedMachines_askedForTogether_areAllAdmittedAndAnswer() throws Exception {
        try (DaemonProcess daemon = new DaemonProcess(
                                Scratch.folder("allod-wakes").resolve("data"), "--runtime", "gvisor")
                        .start();
                ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            TestImage.build(daemon);
            for (int i = 0; i < APPS; i++) {
                daemon.ok("POST", "/v1/apps", "{\"name\":\"wake-%d\",\"org_slug\":\"personal\"}".formatted(i));
                // Made and not started: a request wakes those too.
                daemon.ok(
                        "POST",
                        "/v1/apps/wake-" + i + "/machines",
                        TestImage.machine("one", "").replaceFirst("\\{", "{\"skip_launch\":true,"));
            }
            List<Future<HttpResponse<String>>> answers = new ArrayList<>();
            for (int i = 0; i < APPS; i++) {
                String app = "wake-" + i;
                answers.add(clients.submit(() -> daemon.through(app, "/")));
            }
            for (Future<HttpResponse<String>> answer : answers) {
                assertThat(answer.get().statusCode()).as(answer.get().body()).isEqualTo(200);
            }
            JsonNode boots = daemon.ok("GET", "/v1/host/status", "").get("boots");
            assertThat(boots.get("bound").intValue()).isGreaterThanOrEqualTo(2);
            assertThat(boots.get("running").intValue()).isZero();
            boots.get("waiting")
                    .forEach(waiting -> assertThat(waiting.intValue()).isZero());
            assertThat(daemon.call("GET", "/metrics", "").body())
                    .contains("allod_boots_admitted_total " + APPS)
                    .contains("allod_boots_waiting{class=\"request\"} 0");
            for (int i = 0; i < APPS; i++) {
                daemon.ok("DELETE", "/v1/apps/wake-" + i + "?force=true", "");
            }
        }
    }
}
