package org.allod.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.allod.base.DidYouMean;
import org.allod.base.RejectedException;
import picocli.CommandLine;

/** Entry point of the {@code allod} command. */
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        System.exit(run(List.of(args), Console.ofProcess(), System.getenv()));
    }

    /** Runs one command; returns its exit code. */
    static int run(List<String> args, Console console, Map<String, String> env) {
        boolean json = args.stream().takeWhile(arg -> !arg.equals("--")).anyMatch("--json"::equals);
        try {
            return dispatch(args, console, env);
        } catch (Exception | StackOverflowError e) {
            console.settle();
            ErrorPrinter.print(e, console, json, env.containsKey("ALLOD_DEBUG"));
            return ExitCode.of(e);
        } finally {
            console.flush();
        }
    }

    private static int dispatch(List<String> args, Console console, Map<String, String> env) throws Exception {
        ResolvedCommand resolved = ResolvedCommand.from(args);
        if (resolved.node() instanceof CommandNode.Command command) {
            CommandLine line = PicocliAdapter.of(resolved.path(), command);
            if (resolved.wantsHelp(command)) {
                console.print(Help.of(line, console));
                return ExitCode.DONE;
            }
            return command.action().run(new CommandContext(parse(command, line, resolved.rest()), console, env));
        }
        CommandNode.Branch branch = (CommandNode.Branch) resolved.node();
        if (resolved.rest().stream().anyMatch(arg -> !arg.startsWith("-"))) {
            throw unknownWord(resolved);
        }
        if (resolved.rest().contains("--version")) {
            console.line("allod " + Help.version());
            return ExitCode.DONE;
        }
        boolean asked = resolved.rest().stream().anyMatch(arg -> arg.equals("--help") || arg.equals("-h"));
        String help = Help.of(resolved.path(), branch, console);
        if (asked) {
            console.print(help);
            return ExitCode.DONE;
        }
        Optional<String> wrong = resolved.rest().stream()
                .filter(arg -> !arg.equals("--json") && arg.startsWith("-"))
                .findFirst();
        if (wrong.isPresent()) {
            throw RejectedException.because(
                    RejectedException.Reason.INVALID,
                    "unknown option " + wrong.orElseThrow(),
                    "`allod help` lists what there is");
        }
        console.note(help.stripTrailing());
        return ExitCode.WRONG_USE;
    }

    private static ParsedArgs parse(CommandNode.Command command, CommandLine line, List<String> rest) {
        try {
            return new ParsedArgs(command, line.parseArgs(rest.toArray(new String[0])));
        } catch (CommandLine.ParameterException e) {
            throw wrongUse(command, line, e);
        }
    }

    private static RejectedException wrongUse(
            CommandNode.Command command, CommandLine line, CommandLine.ParameterException e) {
        String usage = "`" + line.getCommandName() + " --help` shows how it is used";
        if (e instanceof CommandLine.UnmatchedArgumentException unmatched
                && unmatched.getUnmatched().getFirst().startsWith("-")) {
            String typed = unmatched.getUnmatched().getFirst().split("=", 2)[0];
            List<String> known = new ArrayList<>();
            command.options().forEach(option -> known.addAll(option.names()));
            PicocliAdapter.EVERYWHERE.forEach(option -> known.addAll(option.names()));
            return RejectedException.because(
                    RejectedException.Reason.INVALID,
                    "unknown option " + typed,
                    DidYouMean.nearest(typed, known)
                                    .map(near -> "did you mean " + near + "? ")
                                    .orElse("")
                            + usage);
        }
        String message = String.valueOf(e.getMessage());
        return RejectedException.because(
                RejectedException.Reason.INVALID,
                Character.toLowerCase(message.charAt(0)) + message.substring(1),
                usage);
    }

    /** An unknown word stands where a command was expected. */
    static RejectedException unknownWord(ResolvedCommand resolved) {
        String typed = resolved.rest().stream()
                .filter(arg -> !arg.startsWith("-"))
                .findFirst()
                .orElse("");
        String path = resolved.path().isEmpty() ? "allod" : "allod " + resolved.path();
        if (!(resolved.node() instanceof CommandNode.Branch branch)) {
            return RejectedException.because(
                    RejectedException.Reason.INVALID,
                    "`" + path + "` has no commands below it",
                    "`" + path + " --help`");
        }
        List<String> known =
                branch.words().get().stream().map(CommandNode::name).toList();
        return RejectedException.because(
                RejectedException.Reason.INVALID,
                "unknown command '" + typed + "'",
                DidYouMean.nearest(typed, known)
                        .map(near -> "did you mean `" + path + " " + near + "`?")
                        .orElse("`" + path + " --help` lists what there is"));
    }
}
