package org.allod.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.allod.base.Nearest;
import org.allod.base.Rejected;
import picocli.CommandLine;

/** Entry of the {@code allod} command. */
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        System.exit(run(List.of(args), Screen.ofProcess(), System.getenv()));
    }

    /** One whole command, to its exit code. */
    static int run(List<String> args, Screen screen, Map<String, String> env) {
        boolean json = args.stream().takeWhile(arg -> !arg.equals("--")).anyMatch("--json"::equals);
        try {
            return dispatch(args, screen, env);
        } catch (Exception | StackOverflowError e) {
            screen.settle();
            Complaint.print(e, screen, json, env.containsKey("ALLOD_DEBUG"));
            return ExitCode.of(e);
        } finally {
            screen.flush();
        }
    }

    private static int dispatch(List<String> args, Screen screen, Map<String, String> env) throws Exception {
        Chosen chosen = Chosen.from(args);
        if (chosen.word() instanceof Word.Command command) {
            CommandLine line = Grammar.of(chosen.path(), command);
            if (chosen.wantsHelp(command)) {
                screen.print(Help.of(line, screen));
                return ExitCode.DONE;
            }
            return command.action().run(new Session(parse(command, line, chosen.rest()), screen, env));
        }
        Word.Branch branch = (Word.Branch) chosen.word();
        if (chosen.rest().stream().anyMatch(arg -> !arg.startsWith("-"))) {
            throw unknownWord(chosen);
        }
        if (chosen.rest().contains("--version")) {
            screen.line("allod " + Help.version());
            return ExitCode.DONE;
        }
        boolean asked = chosen.rest().stream().anyMatch(arg -> arg.equals("--help") || arg.equals("-h"));
        String help = Help.of(chosen.path(), branch, screen);
        if (asked) {
            screen.print(help);
            return ExitCode.DONE;
        }
        Optional<String> wrong = chosen.rest().stream()
                .filter(arg -> !arg.equals("--json") && arg.startsWith("-"))
                .findFirst();
        if (wrong.isPresent()) {
            throw Rejected.because(
                    Rejected.Reason.INVALID,
                    "unknown option " + wrong.orElseThrow(),
                    "`allod help` lists what there is");
        }
        screen.note(help.stripTrailing());
        return ExitCode.WRONG_USE;
    }

    private static Given parse(Word.Command command, CommandLine line, List<String> rest) {
        try {
            return new Given(command, line.parseArgs(rest.toArray(new String[0])));
        } catch (CommandLine.ParameterException e) {
            throw wrongUse(command, line, e);
        }
    }

    private static Rejected wrongUse(Word.Command command, CommandLine line, CommandLine.ParameterException e) {
        String usage = "`" + line.getCommandName() + " --help` shows how it is used";
        if (e instanceof CommandLine.UnmatchedArgumentException unmatched
                && unmatched.getUnmatched().getFirst().startsWith("-")) {
            String typed = unmatched.getUnmatched().getFirst().split("=", 2)[0];
            List<String> known = new ArrayList<>();
            command.options().forEach(option -> known.addAll(option.names()));
            Grammar.EVERYWHERE.forEach(option -> known.addAll(option.names()));
            return Rejected.because(
                    Rejected.Reason.INVALID,
                    "unknown option " + typed,
                    Nearest.to(typed, known)
                                    .map(near -> "did you mean " + near + "? ")
                                    .orElse("")
                            + usage);
        }
        String message = String.valueOf(e.getMessage());
        return Rejected.because(
                Rejected.Reason.INVALID, Character.toLowerCase(message.charAt(0)) + message.substring(1), usage);
    }

    /** Something was typed where a command should be. */
    static Rejected unknownWord(Chosen chosen) {
        String typed = chosen.rest().stream()
                .filter(arg -> !arg.startsWith("-"))
                .findFirst()
                .orElse("");
        String path = chosen.path().isEmpty() ? "allod" : "allod " + chosen.path();
        if (!(chosen.word() instanceof Word.Branch branch)) {
            return Rejected.because(
                    Rejected.Reason.INVALID, "`" + path + "` has no commands below it", "`" + path + " --help`");
        }
        List<String> known = branch.words().get().stream().map(Word::name).toList();
        return Rejected.because(
                Rejected.Reason.INVALID,
                "unknown command '" + typed + "'",
                Nearest.to(typed, known)
                        .map(near -> "did you mean `" + path + " " + near + "`?")
                        .orElse("`" + path + " --help` lists what there is"));
    }
}
