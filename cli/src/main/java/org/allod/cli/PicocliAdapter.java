package org.allod.cli;

import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgGroupSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** Converts one {@link CommandNode.Command} into the model by which picocli parses and generates help. */
final class PicocliAdapter {
    /** Options of every command. */
    static final List<CommandNode.Option> EVERYWHERE = List.of(
            new CommandNode.Option(List.of("--json"), "", CommandNode.Kind.WORD, false, List.of(), "print JSON"),
            new CommandNode.Option(
                    List.of("--data"),
                    "DIR",
                    CommandNode.Kind.FILE,
                    false,
                    List.of(),
                    "the daemon's data folder (ALLOD_DATA; .allod in a clone, else /var/lib/allod)"),
            new CommandNode.Option(
                    List.of("--api"),
                    "ADDR",
                    CommandNode.Kind.WORD,
                    false,
                    List.of(),
                    "reach the API at this address instead of the socket in the data folder (ALLOD_API)"),
            new CommandNode.Option(
                    List.of("--help", "-h"), "", CommandNode.Kind.WORD, false, List.of(), "print this help"));

    private PicocliAdapter() {}

    /** @param path the command's words, such as {@code machine list} */
    static CommandLine of(String path, CommandNode.Command command) {
        CommandSpec spec = CommandSpec.create().name("allod " + path);
        spec.usageMessage()
                .sortOptions(false)
                .width(100)
                .longOptionsMaxWidth(30)
                .description(description(command))
                .parameterListHeading("%nArguments:%n")
                .optionListHeading(command.options().isEmpty() ? "" : "%nOptions:%n")
                .footer(footer(command));
        for (CommandNode.Option option : command.options()) {
            spec.addOption(option(option));
        }
        int index = 0;
        for (CommandNode.Positional positional : command.positionals()) {
            spec.addPositional(positional(positional, index++));
        }
        ArgGroupSpec.Builder everywhere = ArgGroupSpec.builder().validate(false).heading("%nEverywhere:%n");
        EVERYWHERE.stream()
                .filter(option -> command.options().stream()
                        .noneMatch(own -> own.names().contains(option.names().getFirst())))
                .forEach(option -> everywhere.addArg(option(option)));
        spec.addArgGroup(everywhere.build());
        CommandLine line = new CommandLine(spec);
        line.setStopAtPositional(command.isVerbatim());
        line.setUnmatchedOptionsArePositionalParams(false);
        line.setPosixClusteredShortOptionsAllowed(true);
        line.setExpandAtFiles(false);
        return line;
    }

    static String sentence(String summary) {
        return Character.toUpperCase(summary.charAt(0)) + summary.substring(1) + ".";
    }

    private static String[] description(CommandNode.Command command) {
        String summary = sentence(command.summary());
        return command.more().isEmpty()
                ? new String[] {"", escape(summary)}
                : new String[] {"", escape(summary), "", escape(command.more())};
    }

    private static String[] footer(CommandNode.Command command) {
        if (command.examples().isEmpty()) {
            return new String[0];
        }
        String[] lines = new String[command.examples().size() + 2];
        lines[0] = "";
        lines[1] = command.examples().size() == 1 ? "Example:" : "Examples:";
        for (int i = 0; i < command.examples().size(); i++) {
            lines[i + 2] = "  " + escape(command.examples().get(i));
        }
        return lines;
    }

    private static OptionSpec option(CommandNode.Option option) {
        OptionSpec.Builder spec =
                OptionSpec.builder(option.names().toArray(new String[0])).description(escape(option.summary()));
        if (option.isFlag()) {
            return spec.type(boolean.class).arity("0").build();
        }
        spec.paramLabel(option.label());
        if (option.many()) {
            return spec.type(List.class).auxiliaryTypes(String.class).arity("1").build();
        }
        return spec.type(option.kind() == CommandNode.Kind.NUMBER ? Integer.class : String.class)
                .arity("1")
                .build();
    }

    private static PositionalParamSpec positional(CommandNode.Positional positional, int index) {
        PositionalParamSpec.Builder spec = PositionalParamSpec.builder()
                .paramLabel(positional.label())
                .description(escape(positional.summary()))
                .index(positional.many() ? index + "..*" : Integer.toString(index))
                .required(!positional.optional());
        return positional.many()
                ? spec.type(List.class)
                        .auxiliaryTypes(String.class)
                        .arity(positional.optional() ? "0..*" : "1..*")
                        .build()
                : spec.type(String.class)
                        .arity(positional.optional() ? "0..1" : "1")
                        .build();
    }

    /** Escapes the text: picocli formats it, and percent signs in it are literal. */
    private static String escape(String text) {
        return text.replace("%", "%%");
    }
}
