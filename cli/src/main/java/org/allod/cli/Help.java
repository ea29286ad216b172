package org.allod.cli;

import java.util.List;
import picocli.CommandLine;

/** The text of {@code allod help}. */
final class Help {
    private Help() {}

    /** Of one command. */
    static String of(CommandLine line, Console console) {
        return line.getUsageMessage(console.inColour() ? CommandLine.Help.Ansi.ON : CommandLine.Help.Ansi.OFF);
    }

    /** Of a branch, or of the whole. */
    static String of(String path, CommandNode.Branch branch, Console console) {
        boolean root = path.isEmpty();
        StringBuilder text = new StringBuilder();
        text.append("Usage: ")
                .append(console.bold(root ? "allod" : "allod " + path))
                .append(" COMMAND …\n\n");
        text.append(PicocliAdapter.sentence(branch.summary())).append("\n\nCommands:\n");
        rows(text, branch.words().get(), console);
        text.append("\nEvery command takes --json, --data DIR and --api ADDR.\n`allod help ");
        text.append(root ? "" : path + " ").append("COMMAND` says more of one, with an example.\n");
        return text.toString();
    }

    private static void rows(StringBuilder text, List<CommandNode> words, Console console) {
        for (CommandNode node : words) {
            text.append("  ").append(console.bold(node.name()));
            text.append(" ".repeat(Math.max(1, 12 - node.name().length())))
                    .append(node.summary())
                    .append('\n');
            List<String> below =
                    node.words().get().stream().map(CommandNode::name).toList();
            if (!below.isEmpty()) {
                text.append(" ".repeat(14))
                        .append(console.dim(String.join(" ", below)))
                        .append('\n');
            }
        }
    }

    static String version() {
        return System.getProperty("allod.version", "0.1.0");
    }
}
