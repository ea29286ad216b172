package org.allod.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** App commands: what deletes an app, and when an app that a command created is removed again. */
class AppCommandsTest {
    private static final String REFUSED = "{\"error\":\"name is \\\"X\\\"\",\"status\":\"invalid\"}";

    @TempDir
    Path data;

    private FakeDaemon daemon;

    @BeforeEach
    void start() throws Exception {
        daemon = new FakeDaemon(data);
        daemon.on("GET /v1/apps/shop/machines", 200, "[]")
                .on("DELETE /v1/apps/shop", 200, "{}")
                .on("DELETE /v1/apps/shop?force=true", 200, "{}");
    }

    @AfterEach
    void stop() throws Exception {
        daemon.close();
    }

    private Ran ran(String line) {
        return Ran.here(data, line.split(" "));
    }

    private boolean asked(String line) {
        return daemon.requests.stream().anyMatch(r -> r.line().equals(line));
    }

    @Test
    void destroy_ofAnAppWithVolumes_isRefused_andSaysHow() {
        daemon.on("GET /v1/apps/shop", 200, "{\"volume_count\":1}");
        Ran ran = ran("app destroy shop");
        assertThat(ran.exit()).isEqualTo(ExitCode.REFUSED);
        assertThat(ran.err()).contains("app shop has 1 volume\n").contains("add --force");
        assertThat(asked("DELETE /v1/apps/shop")).isFalse();
    }

    @Test
    void destroy_withForce_takesTheVolumesToo() {
        daemon.on("GET /v1/apps/shop", 200, "{\"volume_count\":1}");
        assertThat(ran("app destroy shop --force").out()).isEqualTo("app shop is gone\n");
        assertThat(asked("DELETE /v1/apps/shop?force=true")).isTrue();
    }

    @Test
    void appMadeForWhatIsRefused_goesAgain() {
        daemon.on("GET /v1/apps/shop", 404, "{\"error\":\"there is no app shop\",\"status\":\"unknown\"}")
                .on("POST /v1/apps", 201, "{}")
                .on("POST /v1/apps/shop/volumes", 400, REFUSED);
        Ran ran = ran("volume create X --app shop");
        assertThat(ran.exit()).isEqualTo(ExitCode.WRONG_USE);
        assertThat(asked("DELETE /v1/apps/shop")).isTrue();
    }

    @Test
    void appThatWasThere_staysWhateverIsRefused() {
        daemon.on("GET /v1/apps/shop", 200, "{}").on("POST /v1/apps/shop/volumes", 400, REFUSED);
        assertThat(ran("volume create X --app shop").exit()).isEqualTo(ExitCode.WRONG_USE);
        assertThat(asked("DELETE /v1/apps/shop")).isFalse();
    }

    @Test
    void restore_makesNoApp() {
        daemon.on("POST /v1/apps/nope/volumes", 404, "{\"error\":\"there is no app nope\",\"status\":\"unknown\"}");
        assertThat(ran("volume restore vs_1 then --app nope").exit()).isEqualTo(ExitCode.NOT_FOUND);
        assertThat(asked("POST /v1/apps")).isFalse();
    }
}
