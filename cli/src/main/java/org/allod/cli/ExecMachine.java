package org.allod.cli;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.allod.base.Rejected;

/** {@code allod machine exec}: a command inside a running machine, as if it ran here. */
final class ExecMachine {
    private ExecMachine() {}

    static Word.Command word() {
        return new Word.Command("exec", "run a command inside a machine", ExecMachine::run)
                .flag("--stdin -i", "pass standard input on")
                .flag("--tty -t", "give the command a terminal")
                .many("--env -e", "K=V", Word.Kind.WORD, "a variable of its environment; repeatable")
                .option("--user -u", "USER", "run as this user (the image's)")
                .option("--workdir -w", "DIR", "run in this folder (the image's)")
                .number("--timeout", "SECONDS", "with --json: how long it may take (60)")
                .takes("MACHINE", Word.Kind.MACHINE, "its name, id, APP/NAME, or a unique beginning")
                .takesMany("CMD", Word.Kind.WORD, "the command and its arguments")
                .verbatim()
                .more("Ends with the command's own exit code, or 128 and the signal that ended it. With --json the"
                        + " output is collected and printed when the command is over.")
                .example("allod machine exec hello-1 uname -a")
                .example("allod machine exec -it hello-1 sh");
    }

    private static int run(Session session) throws Exception {
        Given given = session.given();
        Found machine = Found.one(session.daemon(), given.take(0));
        List<String> command = new ArrayList<>(given.rest(1));
        if (!command.isEmpty() && command.getFirst().equals("--")) {
            command.removeFirst();
        }
        if (command.isEmpty()) {
            throw Rejected.because(
                    Rejected.Reason.INVALID, "there is no command to run", "`allod machine exec MACHINE CMD…`");
        }
        return session.json() ? collected(session, machine, command) : streamed(session, machine, command);
    }

    private static int collected(Session session, Found machine, List<String> command) {
        int seconds = session.given().number("--timeout", 1).orElse(60);
        Json answer = session.daemon()
                .call(
                        "POST",
                        machine.path() + "/exec",
                        Json.obj("command", command, "timeout", seconds),
                        Duration.ofSeconds(seconds + 10L));
        session.print(answer);
        long signal = answer.at("exit_signal").number(0);
        return (int) (signal > 0 ? 128 + signal : answer.at("exit_code").number(0));
    }

    private static int streamed(Session session, Found machine, List<String> command) throws Exception {
        Given given = session.given();
        boolean tty = given.flag("--tty");
        Optional<Terminal.Size> size = tty ? Optional.of(Terminal.size()) : Optional.empty();
        Map<String, String> env = new LinkedHashMap<>();
        for (String pair : given.options("--env")) {
            int eq = pair.indexOf('=');
            if (eq < 1) {
                throw Rejected.because(
                        Rejected.Reason.INVALID, "-e " + pair + " is not a variable", "write it as NAME=VALUE");
            }
            env.put(pair.substring(0, eq), pair.substring(eq + 1));
        }
        if (tty) {
            env.putIfAbsent("TERM", session.env("TERM").orElse("xterm"));
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
                given.option("--user").orElse(null),
                "cwd",
                given.option("--workdir").orElse(null));
        try (ExecSession exec = ExecSession.open(session.daemon(), machine, request)) {
            return exec.run(given.flag("--stdin"), tty);
        }
    }
}
