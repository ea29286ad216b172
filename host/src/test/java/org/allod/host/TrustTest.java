package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.allod.soak.Scratch;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import tools.jackson.databind.JsonNode;

/** Secrets, keys, tokens and certificates over the API of a real daemon; no guest is needed. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TrustTest {
    private static final String SECRETS = "/v1/apps/shop/secrets";

    private DaemonProcess daemon;

    @BeforeAll
    void start() throws Exception {
        daemon = new DaemonProcess(Scratch.folder("allod-trust").resolve("data"), "--runtime", "gvisor").start();
    }

    @AfterAll
    void stop() throws Exception {
        daemon.close();
    }

    @BeforeEach
    void anApp() throws IOException {
        daemon.call("DELETE", "/v1/apps/shop", "");
        daemon.ok("POST", "/v1/apps", "{\"name\":\"shop\",\"org_slug\":\"personal\"}");
    }

    private JsonNode refused(int status, String method, String path, String body) throws IOException {
        HttpResponse<String> answer = daemon.call(method, path, body);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
        return DaemonProcess.JSON.readTree(answer.body());
    }

    /** Every file of the data folder, and the daemon's log, that has the text in it. */
    static List<Path> holding(DaemonProcess daemon, String planted) throws IOException {
        return holding(daemon.data.getParent(), planted);
    }

    /**
     * Every file below a folder that has the text in it. By grep, which knows how to look through disks of gigabytes that
     * are holes, and minds no file that goes meanwhile; the text is not on its command line, where a test would find it.
     */
    static List<Path> holding(Path folder, String planted) throws IOException {
        Process grep = new ProcessBuilder(
                        "grep",
                        "--recursive",
                        "--files-with-matches",
                        "--fixed-strings",
                        "--devices=skip",
                        "--no-messages",
                        "--file=-",
                        folder.toString())
                .redirectErrorStream(true)
                .start();
        try (OutputStream in = grep.getOutputStream()) {
            in.write(planted.getBytes(StandardCharsets.UTF_8));
        }
        String found = new String(grep.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        try {
            // 2: it could not read a file, which is the fate of those that go meanwhile.
            assertThat(grep.waitFor()).as(found).isBetween(0, 2);
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
        return found.lines().map(Path::of).toList();
    }

    @Test
    void secrets_setListedShownAndUnset_haveVersions() throws Exception {
        JsonNode set = daemon.ok("POST", SECRETS, "{\"values\":{\"A\":\"one\",\"B\":\"two\"}}");
        long version = set.get("version").longValue();
        assertThat(set.get("Version").longValue()).isEqualTo(version);
        assertThat(set.get("secrets").size()).isEqualTo(2);
        assertThat(set.toString()).doesNotContain("two");
        JsonNode one = daemon.ok("POST", SECRETS + "/C", "{\"value\":\"three\"}");
        assertThat(one.get("version").longValue()).isEqualTo(version + 1);
        assertThat(one.get("digest").stringValue()).hasSize(16);
        assertThat(daemon.ok("GET", SECRETS + "/C", "").has("value")).isFalse();
        assertThat(daemon.ok("GET", SECRETS + "/C?show_secrets=true&min_version=" + (version + 1), "")
                        .get("value")
                        .stringValue())
                .isEqualTo("three");
        daemon.ok("POST", SECRETS, "{\"values\":{\"A\":null}}");
        assertThat(daemon.ok("DELETE", SECRETS + "/B", "").get("version").longValue())
                .isEqualTo(version + 3);
        assertThat(daemon.ok("GET", SECRETS + "?show_secrets=1", "")
                        .get("secrets")
                        .toString())
                .contains("\"C\"", "three")
                .doesNotContain("\"A\"");
    }

    @Test
    void secrets_askedForWrongly_saySoWithoutWhatWasSent() throws Exception {
        daemon.ok("POST", SECRETS + "/GOOD", "{\"value\":\"x\"}");
        for (String body : List.of(
                "{\"values\":{\"A\":{\"planted-secret\":1}}}",
                "{\"values\":\"planted-secret\"}",
                "{\"values\":{\"A\":planted-secret}}",
                "{\"value\":{\"A\":\"planted-secret\"}}",
                "{\"values\":{\"A B\":\"planted-secret\"}}",
                "\"planted-secret\"",
                "{\"values\":{\"A\":\"planted-secret\"},\"planted-secret\":1}",
                "{}")) {
            assertThat(refused(400, "POST", SECRETS, body).toString()).as(body).doesNotContain("planted");
        }
        assertThat(refused(400, "POST", SECRETS + "/A", "{\"value\":123456789}").toString())
                .doesNotContain("123456789");
        assertThat(refused(404, "GET", SECRETS + "/GOD", "").get("hint").stringValue())
                .isEqualTo("did you mean GOOD?");
        refused(404, "DELETE", SECRETS + "/NEVER", "");
        refused(404, "GET", "/v1/apps/nobody/secrets", "");
        refused(400, "GET", SECRETS + "?min_version=soon", "");
        assertThat(refused(412, "GET", SECRETS + "?min_version=99999", "")
                        .get("error")
                        .stringValue())
                .contains("min_version is 99999");
        assertThat(holding(daemon, "planted-secret")).isEmpty();
    }

    @Test
    void secrets_afterTheirAppIsDeleted_areGoneFromItsSuccessor() throws Exception {
        daemon.ok("POST", SECRETS + "/A", "{\"value\":\"x\"}");
        anApp();
        assertThat(daemon.ok("GET", SECRETS, "").get("secrets").size()).isZero();
    }

    @Test
    void secrets_afterKillAndRestart_areThereAndNowhereInClear() throws Exception {
        daemon.ok("POST", SECRETS + "/A", "{\"value\":\"planted-in-the-dark\"}");
        daemon.kill();
        assertThat(holding(daemon, "planted-in-the-dark")).isEmpty();
        daemon.start();
        assertThat(daemon.ok("GET", SECRETS + "/A?show_secrets=true", "")
                        .get("value")
                        .stringValue())
                .isEqualTo("planted-in-the-dark");
        assertThat(holding(daemon, "planted-in-the-dark")).isEmpty();
    }

    @Test
    void daemon_withItsKeyMissing_saysWhatToDoAndDoesNotStart() throws Exception {
        daemon.ok("POST", SECRETS + "/A", "{\"value\":\"x\"}");
        daemon.stop();
        Path key = daemon.data.resolve("host.key");
        Path safe = daemon.data.resolveSibling("safe.key");
        Files.move(key, safe);
        daemon.begin();
        assertThat(daemon.process().waitFor(30, java.util.concurrent.TimeUnit.SECONDS))
                .isTrue();
        assertThat(daemon.process().exitValue()).isEqualTo(4);
        assertThat(daemon.log()).contains("host.key is missing", "put the right file back from its backup");
        Files.move(safe, key);
        daemon.start();
        daemon.ok("GET", SECRETS + "/A", "");
    }
}
