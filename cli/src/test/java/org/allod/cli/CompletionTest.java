package org.allod.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The script, in a real bash, asking a real process. */
class CompletionTest {
    @TempDir
    Path data;

    @BeforeEach
    void command() throws Exception {
        Path allod = data.resolve("allod");
        Files.writeString(allod, "#!/bin/sh\nexec '" + String.join("' '", Ran.command()) + "' \"$@\"\n");
        Files.setPosixFilePermissions(allod, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    /** What bash would offer after {@code line}, whose last word is the one being typed. */
    private List<String> complete(String line) throws Exception {
        String script = """
                source <(allod completion bash)
                COMP_WORDS=(%s) COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
                _allod
                printf '%%s\\n' "${COMPREPLY[@]}"
                """.formatted(line);
        Ran ran = Ran.of(
                Map.of("PATH", data + ":" + System.getenv("PATH"), "ALLOD_DATA", data.toString()),
                "",
                List.of("bash", "-u", "-c", script));
        assertThat(ran.err()).isEmpty();
        return ran.out().lines().filter(text -> !text.isEmpty()).toList();
    }

    @Test
    void words_areOffered() throws Exception {
        assertThat(complete("allod mach''")).containsExactly("machine");
        assertThat(complete("allod machine s''")).containsExactly("show", "start", "stop", "suspend", "stats");
        assertThat(complete("allod --json machine res''")).containsExactly("resume", "restart");
        assertThat(complete("allod help ima''")).containsExactly("image");
    }

    @Test
    void options_areOffered() throws Exception {
        assertThat(complete("allod machine run img --a''")).containsExactly("--api", "--app", "--autostop");
        assertThat(complete("allod machine run img --runtime ''")).containsExactly("microvm", "gvisor");
    }

    @Test
    void names_areAskedOfTheDaemon() throws Exception {
        try (FakeDaemon daemon = new FakeDaemon(data)) {
            daemon.on("GET /v1/apps?org_slug=personal", 200, "{\"apps\":[{\"name\":\"hello\"},{\"name\":\"shop\"}]}");

            assertThat(complete("allod machine stop h''")).containsExactly("hello-1");
            assertThat(complete("allod machine show bbbb2''")).containsExactly("bbbb2222bbbb22");
            assertThat(complete("allod app destroy ''")).containsExactly("hello", "shop");
            assertThat(complete("allod machine list --app s''")).containsExactly("shop");
        }
    }

    @Test
    void names_withoutADaemon_areNoneAndNoError() throws Exception {
        assertThat(complete("allod machine stop ''")).isEmpty();
    }
}
