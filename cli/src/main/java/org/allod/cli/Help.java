package org.allod.cli;

import java.util.List;
import picocli.CommandLine;

/** The text of {@code allod help}. */
final class Help {
    private Help() {}

    /** Of one command. */
    static String of(CommandLine line, Screen screen) {
        return line.getUsageMessage(screen.inColour() ? CommandLine.Help.Ansi.ON : CommandLine.Help.Ansi.OFF);
    }

    /** Of a branch, or of the whole. */
    static String of(String path, Word.Branch branch, Screen screen) {
        boolean root = path.isEmpty();
        StringBuilder text = new StringBuilder();
        text.append("Usage: ")
                .append(screen.bold(root ? "allod" : "allod " + path))
                .append(" COMMAND …\n\n");
        text.append(Grammar.sentence(branch.summary())).append("\n\nCommands:\n");
        rows(text, branch.words().get(), screen);
        text.append("\nEvery command takes --json, --data DIR and --api ADDR.\n`allod help ");
        text.append(root ? "" : path + " ").append("COMMAND` says more of one, with an example.\n");
        return text.toString();
    }

    private static void rows(StringBuilder text, List<Word> words, Screen screen) {
        for (Word word : words) {
            text.append("  ").append(screen.bold(word.name()));
            text.append(" ".repeat(Math.max(1, 12 - word.name().length())))
                    .append(word.summary())
                    .append('\n');
            List<String> below = word.words().get().stream().map(Word::name).toList();
            if (!below.isEmpty()) {
                text.append(" ".repeat(14))
                        .append(screen.dim(String.join(" ", below)))
                        .append('\n');
            }
        }
    }

    static String version() {
        return System.getProperty("allod.version", "0.1.0");
    }
}
