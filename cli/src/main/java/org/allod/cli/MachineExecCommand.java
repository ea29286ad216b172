package org.allod.cli;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.allod.base.RejectedException;

/** {@code allod machine exec}: runs a command inside a running machine as if it ran locally. */
final class MachineExecCommand {
    private MachineExecCommand() {}

    static CommandNode.Command word() {
        return new CommandNode.Command("exec", "run a command inside a machine", MachineExecCommand::run)
                .flag("--stdin -i", "pass standard input on")
                .flag("--tty -t", "give the command a terminal")
                .many("--env -e", "K=V", CommandNode.Kind.WORD, "a variable of its environment; repeatable")
                .option("--user -u", "USER", "run as this user (the image's)")
                .option("--workdir -w", "DIR", "run in this folder (the image's)")
                .number("--timeout", "SECONDS", "with --json: how long it may take (60)")
                .takes("MACHINE", CommandNode.Kind.MACHINE, "its name, id, APP/NAME, or a unique beginning")
                .takesMany("CMD", CommandNode.Kind.WORD, "the command and its arguments")
                .verbatim()
                .more("Ends with the command's own exit code, or 128 and the signal that ended it. With --json the"
                        + " output is collected and printed when the command is over.")
                .example("allod machine exec hello-1 uname -a")
                .example("allod machine exec -it hello-1 sh");
    }

    private static int run(CommandContext context) throws Exception {
        ParsedArgs args = context.given();
        MachineRef machine = MachineRef.one(context.daemon(), args.required(0));
        List<String> command = new ArrayList<>(args.rest(1));
        if (!command.isEmpty() && command.getFirst().equals("--")) {
            command.removeFirst();
        }
        if (command.isEmpty()) {
            throw RejectedException.because(
                    RejectedException.Reason.INVALID,
                    "there is no command to run",
                    "`allod machine exec MACHINE CMD…`");
        }
        return context.json() ? collected(context, machine, command) : streamed(context, machine, command);
    }

    private static int collected(CommandContext context, MachineRef machine, List<String> command) {
        int seconds = context.given().number("--timeout", 1).orElse(60);
        Json answer = context.daemon()
                .call(
                        "POST",
                        machine.path() + "/exec",
                        Json.obj("command", command, "timeout", seconds),
                        Duration.ofSeconds(seconds + 10L));
        context.print(answer);
        long signal = answer.at("exit_signal").number(0);
        return (int) (signal > 0 ? 128 + signal : answer.at("exit_code").number(0));
    }

    private static int streamed(CommandContext context, MachineRef machine, List<String> command) throws Exception {
        ParsedArgs args = context.given();
        boolean tty = args.flag("--tty");
        Optional<Terminal.Size> size = tty ? Optional.of(Terminal.size()) : Optional.empty();
        Map<String, String> env = new LinkedHashMap<>();
        for (String pair : args.options("--env")) {
            int eq = pair.indexOf('=');
            if (eq < 1) {
                throw RejectedException.because(
                        RejectedException.Reason.INVALID,
                        "-e " + pair + " is not a variable",
                        "write it as NAME=VALUE");
            }
            env.put(pair.substring(0, eq), pair.substring(eq + 1));
        }
        if (tty) {
            env.putIfAbsent("TERM", context.env("TERM").orElse("xterm"));
        }
        Json request = Json.obj(
                "command",
                command,
                "env",
                env,
                "tty",
                tty,
                "columns",
                size.map(Terminal.Size::columns).orElse(null),
                "rows",
                size.map(Terminal.Size::rows).orElse(null),
                "user",
                args.option("--user").orElse(null),
                "cwd",
                args.option("--workdir").orElse(null));
        try (ExecSession exec = ExecSession.open(context.daemon(), machine, request)) {
            return exec.run(args.flag("--stdin"), tty);
        }
    }
}
