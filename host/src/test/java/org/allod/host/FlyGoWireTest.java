package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.allod.base.Poll;
import org.allod.soak.Scratch;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * The requests of fly-go, as it sent them to this API byte for byte, against a real daemon. The library itself is in no
 * package registry; docs/guide/clients.md says how it was tried. What is particular about it: it says who is meant a
 * second time in a stop's body, sends {@code ""}, 0, {@code null} and {@code "0s"} for what its caller left out, and
 * signals by number.
 */
class FlyGoWireTest {
    private static final Pattern LINE =
            Pattern.compile("(\\+ )?(\\d{3}) ([A-Z]+) (\\S+)(?: (\\{.*}))?((?: \\w+=\\S+)*)");

    private final Map<String, String> kept = new HashMap<>();

    @Test
    void everyRequest_asFlyGoSendsIt_isAnsweredAsItExpects() throws Exception {
        String script;
        try (InputStream in = Objects.requireNonNull(FlyGoWireTest.class.getResourceAsStream("/fly-go.txt"))) {
            script = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
        int asked = 0;
        try (DaemonProcess daemon =
                new DaemonProcess(Scratch.folder("allod-fly-go").resolve("data"), "--runtime", "gvisor").start()) {
            TestImage.build(daemon);
            for (String line : script.split("\n", -1)) {
                if (!line.isBlank() && !line.startsWith("#")) {
                    ask(daemon, line);
                    asked++;
                }
            }
            // Its app is deleted by now, also to the edge, which hears of it a moment later.
            Poll.until(
                    Duration.ofSeconds(10),
                    Duration.ofMillis(20),
                    "the edge's forgetting the app",
                    () -> "unknown-host".equals(said(daemon)));
        }
        assertThat(asked).isGreaterThan(60);
        assertThat(kept.get("said")).startsWith("hush\nin\n").contains("/data");
        assertThat(kept).containsEntry("was", "suspended").containsEntry("apart", "true");
        assertThat(kept.get("opened")).isEqualTo("cGxhaW4=");
    }

    private static String said(DaemonProcess daemon) {
        try {
            return daemon.through("flygo", "/")
                    .headers()
                    .firstValue("allod-error")
                    .orElse("");
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private void ask(DaemonProcess daemon, String line) throws Exception {
        Matcher parts = LINE.matcher(line);
        assertThat(parts.matches()).as(line).isTrue();
        String body = parts.group(5) == null ? "" : filled(parts.group(5));
        String[] nonce =
                parts.group(1) == null ? new String[0] : new String[] {"fly-machine-lease-nonce", kept.get("nonce")};
        HttpResponse<String> answer = daemon.call(parts.group(3), filled(parts.group(4)), body, nonce);
        assertThat(answer.statusCode()).as("%s: %s", line, answer.body()).isEqualTo(Integer.parseInt(parts.group(2)));
        for (String keep : parts.group(6).strip().split(" ")) {
            if (!keep.isEmpty()) {
                JsonNode value = DaemonProcess.JSON.readTree(answer.body()).at(keep.substring(keep.indexOf('=') + 1));
                assertThat(value.isValueNode())
                        .as("%s: %s", line, answer.body())
                        .isTrue();
                kept.put(keep.substring(0, keep.indexOf('=')), value.asString());
            }
        }
    }

    private String filled(String text) {
        String filled = text;
        for (Map.Entry<String, String> value : kept.entrySet()) {
            filled = filled.replace("{" + value.getKey() + "}", value.getValue());
        }
        return filled;
    }
}
