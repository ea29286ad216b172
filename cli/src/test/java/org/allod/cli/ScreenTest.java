package org.allod.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.allod.base.RejectedException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a tenant can write into a name, a label, an event or a log, and what reaches an operator's terminal. */
class ScreenTest {
    /** A title, a cleared screen, an 8-bit control, a reversed name, a style that looks like ours. */
    private static final String HOSTILE =
            "a\033]0;owned\007b\033[2Jc\u009b31md\u202egnp.exe\u2066e\rf\u007f\uFDD031\uFDD1g";

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    private Console screen(String... terminals) {
        return new Console(
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8),
                Set.of(terminals),
                false);
    }

    private static String hostile() {
        return Json.parse(Json.of(HOSTILE).write()).text();
    }

    private static void assertHarmless(ByteArrayOutputStream stream) {
        String said = stream.toString(StandardCharsets.UTF_8);
        // Our own styles apart.
        assertThat(said.replaceAll("\033\\[(0|1|2|31|32|33)m", "").chars())
                .as(said)
                .noneMatch(c -> c != '\n' && c != '\t' && ControlCharacterEscaper.obeyed((char) c.intValue()));
        assertThat(said).doesNotContain("\033[31mg");
    }

    @Test
    void terminal_getsNothingItWouldObey_wherever() {
        Console console = screen("0", "1", "2");
        console.line(hostile());
        console.line(console.bold(hostile()) + console.dim(hostile()) + console.state(hostile()));
        console.now(hostile());
        console.print(hostile());
        console.note(hostile());
        Table table = new Table("name", "state");
        table.row(hostile() + "\nforged line", hostile());
        table.print(console);
        ErrorPrinter.print(
                RejectedException.because(RejectedException.Reason.INVALID, hostile(), hostile()),
                console,
                false,
                true);
        ErrorPrinter.print(RejectedException.invalid(hostile()), console, true, false);
        console.flush();
        assertHarmless(out);
        assertHarmless(err);
        assertThat(out.toString(StandardCharsets.UTF_8))
                .contains("a\\u001b]0;owned\\u0007b\\u001b[2Jc\\u009b31md\\u202egnp.exe\\u2066e\\u000df\\u007f")
                .contains("\033[1m")
                .contains("\\u000aforged line");
    }

    @Test
    void progress_onATerminal_movesByItselfAlone() {
        Console console = screen("2");
        console.progress(hostile(), hostile());
        assertThat(err.toString(StandardCharsets.UTF_8).substring("\r\033[2K".length()))
                .doesNotContain("\033", "\r", "\u009b");
    }

    @Test
    void pageOfJson_onATerminal_isStillOne() {
        Json page = Json.obj("name", hostile());
        screen("1").line(page.write());
        assertHarmless(out);
        assertThat(Json.parse(out.toString(StandardCharsets.UTF_8)).at("name").text())
                .isEqualTo(hostile());
    }

    @Test
    void pipe_getsEverythingAsItIs() {
        Console console = screen();
        console.line(hostile());
        assertThat(out.toString(StandardCharsets.UTF_8)).isEqualTo(hostile() + "\n");
    }

    @Test
    void logs_onATerminal_areEscaped_andRawOnRequest(@TempDir Path data) throws Exception {
        try (FakeDaemon daemon = new FakeDaemon(data)) {
            daemon.stream(
                    "GET /v1/apps/shop/machines/bbbb2222bbbb22/logs?tail=200",
                    Json.obj(
                                    "at",
                                    "2026-01-01T00:00:00Z",
                                    "stream",
                                    "stdout",
                                    "text",
                                    "\033[32mgreen\033[0m\033]0;t\007")
                            .write());
            List<String> words = List.of("machine", "logs", "shop/web");
            Map<String, String> env = Map.of("ALLOD_DATA", data.toString());
            assertThat(Main.run(words, screen("1"), env)).isZero();
            assertHarmless(out);
            assertThat(out.toString(StandardCharsets.UTF_8)).contains("\\u001b[32mgreen");
            out.reset();
            assertThat(Main.run(List.of("machine", "logs", "shop/web", "--raw"), screen("1"), env))
                    .isZero();
            assertThat(out.toString(StandardCharsets.UTF_8)).isEqualTo("\033[32mgreen\033[0m\033]0;t\007\n");
        }
    }
}
