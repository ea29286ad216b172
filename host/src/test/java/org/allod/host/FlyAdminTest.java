package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.allod.soak.Scratch;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * The npm client {@code fly-admin}, unmodified, against a real daemon: only its address and token are ours. {@code
 * ./allod setup --for-tests} installs it from {@code src/test/clients}.
 */
class FlyAdminTest {
    private static final Map<String, String> REFUSED = Map.of(
            "signalMachine when stopped", "409: ",
            "getLease without one", "404: ",
            "stopMachine when leased", "409: ");

    @Test
    void machinesAndVolumes_byAnUnmodifiedClient() throws Exception {
        Path scripts = Path.of(System.getProperty("allod.clone"), "host", "src", "test", "clients");
        Path modules = DaemonProcess.tools().resolve("clients").resolve("node_modules");
        assertThat(modules.resolve("fly-admin"))
                .as("fly-admin is installed by `./allod setup --for-tests`")
                .exists();
        Map<String, JsonNode> steps = new LinkedHashMap<>();
        try (DaemonProcess daemon =
                new DaemonProcess(Scratch.folder("allod-fly-admin").resolve("data"), "--runtime", "gvisor").start()) {
            TestImage.build(daemon);
            daemon.ok("POST", "/v1/apps", "{\"name\":\"npm\",\"org_slug\":\"personal\"}");
            boolean volumes =
                    daemon.ok("GET", "/v1/openapi.json", "").get("paths").has("/v1/apps/{app_name}/volumes");
            ProcessBuilder node = new ProcessBuilder(
                            "node",
                            scripts.resolve("fly-admin.js").toString(),
                            "http://127.0.0.1:" + daemon.api,
                            "npm",
                            volumes ? "volumes" : "")
                    .redirectErrorStream(true);
            node.environment().put("NODE_PATH", modules.toString());
            node.environment().put("ALLOD_TOKEN", daemon.token());
            Process client = node.start();
            for (String line : new String(client.getInputStream().readAllBytes(), StandardCharsets.UTF_8).split("\n")) {
                JsonNode said = DaemonProcess.JSON.readTree(line);
                steps.put(said.get("step").stringValue(), said);
            }
            assertThat(client.waitFor(60, TimeUnit.SECONDS)).isTrue();
            daemon.ok("DELETE", "/v1/apps/npm?force=true", "");
        }
        assertThat(steps).hasSizeGreaterThan(20).containsKeys(REFUSED.keySet().toArray(String[]::new));
        steps.forEach((name, said) -> {
            String refusal = REFUSED.get(name);
            if (refusal == null) {
                assertThat(said.has("error")).as("%s: %s", name, said).isFalse();
            } else {
                assertThat(said.path("error").asString("")).as(name).startsWith(refusal);
            }
        });
        JsonNode updated = steps.get("updateMachine").get("answer");
        assertThat(updated.at("/config/env/WHO").asString("")).isEqualTo("again");
        assertThat(steps.get("listVersions").get("answer")).hasSize(2);
        assertThat(steps.get("listProcesses").at("/answer/1/command").asString(""))
                .contains("httpd");
        assertThat(steps.get("acquireLease").at("/answer/data/nonce").asString(""))
                .hasSize(16)
                .isEqualTo(steps.get("getLease").at("/answer/data/nonce").asString(""));
        assertThat(steps.get("startMachine").at("/answer/previous_state").asString(""))
                .isEqualTo("stopped");
    }
}
