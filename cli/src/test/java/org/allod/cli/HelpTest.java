package org.allod.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Help texts are generated from the command tree; the file beside this test shows them. */
class HelpTest {
    private static final Path GOLDEN = Path.of("src/test/resources/help.txt");

    /** After a wanted change: {@code mvn -pl cli -am test -Dtest=HelpTest -Dallod.golden=write}, and read the diff. */
    @Test
    void help_ofEveryWord_isAsWritten() throws Exception {
        StringBuilder all = new StringBuilder();
        for (String path : paths("", CommandTree.ROOT)) {
            List<String> args = new ArrayList<>(List.of("help"));
            if (!path.isEmpty()) {
                args.addAll(List.of(path.split(" ")));
            }
            Ran ran = Ran.here(Path.of("/nowhere"), args.toArray(new String[0]));
            assertThat(ran.exit()).as(path).isZero();
            all.append("$ allod ")
                    .append(String.join(" ", args))
                    .append('\n')
                    .append(ran.out())
                    .append('\n');
        }
        if ("write".equals(System.getProperty("allod.golden"))) {
            Files.writeString(GOLDEN, all);
        }
        assertThat(all).hasToString(Files.readString(GOLDEN));
    }

    @Test
    void everyCommand_hasAnExampleThatParses() {
        for (String path : paths("", CommandTree.ROOT)) {
            if (!(ResolvedCommand.from(List.of(path.split(" "))).node() instanceof CommandNode.Command command)) {
                continue;
            }
            assertThat(command.examples()).as(path).isNotEmpty();
            for (String example : command.examples()) {
                List<String> words = ImageCommands.command(example.replaceFirst(" < .*$", "")
                        .replaceFirst(".*\\(allod auth token\\) ", "")
                        .replaceFirst("source <\\((.*)\\)", "$1"));
                ResolvedCommand resolved = ResolvedCommand.from(words.subList(1, words.size()));
                assertThat(resolved.node()).as(example).isInstanceOf(CommandNode.Command.class);
                CommandNode.Command meant = (CommandNode.Command) resolved.node();
                assertThatCode(() -> new ParsedArgs(
                                meant,
                                PicocliAdapter.of(resolved.path(), meant)
                                        .parseArgs(resolved.rest().toArray(new String[0]))))
                        .as(example)
                        .doesNotThrowAnyException();
            }
        }
    }

    @Test
    void help_asOption_isTheSame() {
        Path nowhere = Path.of("/nowhere");
        assertThat(Ran.here(nowhere, "machine", "run", "--help").out())
                .isEqualTo(Ran.here(nowhere, "help", "machine", "run").out());
        assertThat(Ran.here(nowhere, "--help").out())
                .isEqualTo(Ran.here(nowhere, "help").out());
    }

    @Test
    void helpOption_afterAGuestsCommand_isTheGuests() {
        Ran ran = Ran.here(Path.of("/nowhere"), "machine", "exec", "web", "ls", "--help");

        assertThat(ran.out()).isEmpty();
        assertThat(ran.exit()).as("it looked for the daemon").isEqualTo(5);
    }

    static List<String> paths(String path, CommandNode node) {
        List<String> all = new ArrayList<>(List.of(path));
        if (node instanceof CommandNode.Branch branch) {
            branch.words().get().forEach(below -> all.addAll(paths((path + " " + below.name()).strip(), below)));
        }
        return all;
    }
}
