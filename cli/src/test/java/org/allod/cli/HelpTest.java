package org.allod.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Help is what every word says of itself; the file beside this test is how it reads. */
class HelpTest {
    private static final Path GOLDEN = Path.of("src/test/resources/help.txt");

    /** After a wanted change: {@code mvn -pl cli -am test -Dtest=HelpTest -Dallod.golden=write}, and read the diff. */
    @Test
    void help_ofEveryWord_isAsWritten() throws Exception {
        StringBuilder all = new StringBuilder();
        for (String path : paths("", Words.ROOT)) {
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
        for (String path : paths("", Words.ROOT)) {
            if (!(Chosen.from(List.of(path.split(" "))).word() instanceof Word.Command command)) {
                continue;
            }
            assertThat(command.examples()).as(path).isNotEmpty();
            for (String example : command.examples()) {
                List<String> words = ImageWords.command(example.replaceFirst(" < .*$", "")
                        .replaceFirst(".*\\(allod auth token\\) ", "")
                        .replaceFirst("source <\\((.*)\\)", "$1"));
                Chosen chosen = Chosen.from(words.subList(1, words.size()));
                assertThat(chosen.word()).as(example).isInstanceOf(Word.Command.class);
                Word.Command meant = (Word.Command) chosen.word();
                assertThatCode(() -> new Given(
                                meant,
                                Grammar.of(chosen.path(), meant)
                                        .parseArgs(chosen.rest().toArray(new String[0]))))
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

    static List<String> paths(String path, Word word) {
        List<String> all = new ArrayList<>(List.of(path));
        if (word instanceof Word.Branch branch) {
            branch.words().get().forEach(below -> all.addAll(paths((path + " " + below.name()).strip(), below)));
        }
        return all;
    }
}
