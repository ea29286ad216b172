package org.allod.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every command line of the README and the guide is one that the command takes, options and all. */
class PagesTest {
    private static final Path CLONE = Path.of(System.getProperty("allod.clone"));
    /** In a block of code: indented by four, or between fences; behind a prompt or a variable at most. */
    private static final Pattern COMMAND = Pattern.compile("(?:    |\\$ )?(?:[A-Z_]+=\\S+ )?(?:\\./)?allod (.*)");
    /** Said by the launcher, before there is a command. */
    private static final List<String> LAUNCHED = List.of("test", "bench", "host", "sim");

    record Line(String page, String text) {}

    static List<Line> lines() throws IOException {
        List<Line> lines = new ArrayList<>();
        try (Stream<Path> guide = Files.list(CLONE.resolve("docs/guide"))) {
            for (Path page : Stream.concat(Stream.of(CLONE.resolve("README.md")), guide.sorted())
                    .toList()) {
                boolean fenced = false;
                for (String line : Files.readAllLines(page)) {
                    fenced ^= line.startsWith("```");
                    var command = COMMAND.matcher(line);
                    if ((fenced || line.startsWith("    ")) && command.matches()) {
                        lines.add(new Line(page.getFileName().toString(), command.group(1)));
                    }
                }
            }
        }
        assertThat(lines).hasSizeGreaterThan(30);
        return lines;
    }

    @ParameterizedTest
    @MethodSource("lines")
    void commandOfAPage_isTaken(Line line) {
        // Without its comment, and what the shell does with its streams.
        String bare = line.text().replaceFirst("\\s+#.*$", "").replaceFirst("\\s+[<>|].*$", "");
        List<String> words = ImageCommands.command(bare);
        if (words.isEmpty() || LAUNCHED.contains(words.getFirst())) {
            return;
        }
        ResolvedCommand resolved = ResolvedCommand.from(words);
        assertThat(resolved.node()).isInstanceOf(CommandNode.Command.class);
        CommandNode.Command command = (CommandNode.Command) resolved.node();
        assertThatCode(() -> {
                    var parsed = PicocliAdapter.of(resolved.path(), command)
                            .parseArgs(resolved.rest().toArray(new String[0]));
                    assertThat(parsed.isUsageHelpRequested())
                            .as("asks for help")
                            .isFalse();
                    var _ = new ParsedArgs(command, parsed);
                })
                .doesNotThrowAnyException();
    }
}
