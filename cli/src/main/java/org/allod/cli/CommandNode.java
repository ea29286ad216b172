package org.allod.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * A node of the command tree: a branch with subcommands, or a command. Plain data, so that the tree costs nothing until
 * one command of it is selected; help and completion are generated from the same data.
 */
sealed interface CommandNode {
    String name();

    String summary();

    /** The subcommands. */
    Supplier<List<CommandNode>> words();

    /** A group of commands, such as {@code machine}. */
    record Branch(String name, String summary, Supplier<List<CommandNode>> words) implements CommandNode {}

    /** A command's implementation. Returns the exit code; throws on failure. */
    @FunctionalInterface
    interface Action {
        int run(CommandContext context) throws Exception;
    }

    /** What an argument names, for completion. */
    enum Kind {
        WORD,
        NUMBER,
        FILE,
        MACHINE,
        VOLUME,
        APP,
        IMAGE,
        RUN,
        COMMAND
    }

    /**
     * An option, such as {@code --app NAME}.
     *
     * @param names the long name first: actions use it to look the option up
     * @param label of the value; empty for a flag
     * @param many whether it may be repeated
     * @param choices the allowed values; empty for any
     */
    record Option(List<String> names, String label, Kind kind, boolean many, List<String> choices, String summary) {
        boolean isFlag() {
            return label.isEmpty();
        }
    }

    /** A positional argument. {@code many}: takes all remaining ones; {@code optional}: may be missing. */
    record Positional(String label, Kind kind, boolean optional, boolean many, String summary) {}

    /** A command: its help, its arguments and options, its action. */
    final class Command implements CommandNode {
        private final String name;
        private final String summary;
        private final Action action;
        private final List<Option> options = new ArrayList<>();
        private final List<Positional> positionals = new ArrayList<>();
        private final List<String> examples = new ArrayList<>();
        private Supplier<List<CommandNode>> below = List::of;
        private String more = "";
        private boolean verbatim;

        Command(String name, String summary, Action action) {
            this.name = name;
            this.summary = summary;
            this.action = action;
        }

        Command flag(String names, String summary) {
            options.add(new Option(List.of(names.split(" ")), "", Kind.WORD, false, List.of(), summary));
            return this;
        }

        Command option(String names, String label, Kind kind, String summary) {
            options.add(new Option(List.of(names.split(" ")), label, kind, false, List.of(), summary));
            return this;
        }

        Command option(String names, String label, String summary) {
            return option(names, label, Kind.WORD, summary);
        }

        Command number(String names, String label, String summary) {
            return option(names, label, Kind.NUMBER, summary);
        }

        Command choice(String names, List<String> choices, String summary) {
            options.add(new Option(
                    List.of(names.split(" ")), String.join("|", choices), Kind.WORD, false, choices, summary));
            return this;
        }

        Command many(String names, String label, Kind kind, String summary) {
            options.add(new Option(List.of(names.split(" ")), label, kind, true, List.of(), summary));
            return this;
        }

        Command takes(String label, Kind kind, String summary) {
            positionals.add(new Positional(label, kind, false, false, summary));
            return this;
        }

        Command mayTake(String label, Kind kind, String summary) {
            positionals.add(new Positional(label, kind, true, false, summary));
            return this;
        }

        Command takesMany(String label, Kind kind, String summary) {
            positionals.add(new Positional(label, kind, false, true, summary));
            return this;
        }

        Command mayTakeMany(String label, Kind kind, String summary) {
            positionals.add(new Positional(label, kind, true, true, summary));
            return this;
        }

        Command example(String line) {
            examples.add(line);
            return this;
        }

        /** Subcommands of this command; they apply if one follows it directly. */
        Command below(Supplier<List<CommandNode>> words) {
            below = words;
            return this;
        }

        @Override
        public Supplier<List<CommandNode>> words() {
            return below;
        }

        /** An additional paragraph of help. */
        Command more(String text) {
            more = text;
            return this;
        }

        /** Everything after the first positional belongs to another program's command line. */
        Command verbatim() {
            verbatim = true;
            return this;
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public String summary() {
            return summary;
        }

        Action action() {
            return action;
        }

        List<Option> options() {
            return options;
        }

        List<Positional> positionals() {
            return positionals;
        }

        List<String> examples() {
            return examples;
        }

        String more() {
            return more;
        }

        boolean isVerbatim() {
            return verbatim;
        }
    }
}
