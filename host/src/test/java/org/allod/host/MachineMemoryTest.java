package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import org.allod.soak.Scratch;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** The memory of a real microVM through the API: limited, reclaimed, and kept where it must be kept. */
class MachineMemoryTest {
    private static final String MACHINES = "/v1/apps/shop/machines/";

    private static JsonNode limit(DaemonProcess daemon, String id, int megabytes) throws IOException {
        return daemon.ok("PUT", MACHINES + id + "/memory", "{\"limit_mb\":" + megabytes + "}");
    }

    private static int limit(DaemonProcess daemon, String id) throws IOException {
        return daemon.ok("GET", MACHINES + id + "/memory", "").get("limit_mb").intValue();
    }

    private static void refused(DaemonProcess daemon, String path, String body, int status, String... words)
            throws IOException {
        HttpResponse<String> answer = daemon.call(path.endsWith("reclaim") ? "POST" : "PUT", MACHINES + path, body);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
        assertThat(answer.body()).contains(words);
    }

    @Test
    void microvm_memory_isChangedWhileItRuns_andIsItsOwnAgainAtTheNextStart() throws Exception {
        Path data = Scratch.folder("allod-memory").resolve("data");
        try (DaemonProcess daemon = new DaemonProcess(data).start()) {
            TestImage.build(daemon);
            daemon.ok("POST", "/v1/apps", "{\"name\":\"shop\",\"org_slug\":\"personal\"}");
            String id =
                    daemon.ok("POST", "/v1/apps/shop/machines", """
                            {"name":"vm","runtime":"microvm","config":{"image":"web","guest":{"memory_mb":192}}}
                            """).get("id").stringValue();
            daemon.await("shop", id, "started");
            assertThat(limit(daemon, id)).isEqualTo(192);
            refused(daemon, id + "/memory", "{\"limit_mb\":193}", 400, "limit_mb", "192");
            refused(daemon, id + "/memory", "{\"limit_mb\":\"half\"}", 400, "limit_mb");
            refused(daemon, id + "/memory", "{\"limit_mb\":128,\"colour\":1}", 400, "colour");
            refused(daemon, id + "/memory/reclaim", "{}", 400, "amount_mb");
            assertThat(limit(daemon, id)).isEqualTo(192);

            JsonNode memory = limit(daemon, id, 136);
            assertThat(memory.get("limit_mb").intValue()).isEqualTo(136);
            assertThat(memory.get("available_mb").intValue()).isBetween(1, 135);
            daemon.kill();
            daemon.start();
            assertThat(limit(daemon, id)).isEqualTo(136);
            assertThat(daemon.ok("POST", MACHINES + id + "/memory/reclaim", "{\"amount_mb\":20}")
                            .get("actual_mb")
                            .intValue())
                    .isBetween(1, 20);

            // Suspended by an Allod whose virtual machines were others: it says why, and runs.
            daemon.ok("POST", MACHINES + id + "/suspend", "");
            daemon.await("shop", id, "suspended");
            refused(daemon, id + "/memory", "{\"limit_mb\":128}", 409, "suspended");
            Files.delete(data.resolve("machines").resolve(id).resolve("microvm/form"));
            daemon.ok("POST", MACHINES + id + "/start", "");
            daemon.await("shop", id, "started");
            assertThat(daemon.ok("GET", MACHINES + id + "/events", "").toString())
                    .contains("resume_failed", "an older Allod");
            assertThat(limit(daemon, id)).isEqualTo(192);
        }
    }
}
