package org.allod.cli;

/** {@code allod machine logs} and {@code stats}: what a machine says and uses. */
final class MachineOutput {
    private MachineOutput() {}

    static Word.Command logs() {
        return MachineWords.one("logs", "print what a machine has written", MachineOutput::logs)
                .flag("--follow -f", "go on as it writes more")
                .number("--tail -n", "N", "only the last N lines (200)")
                .flag("--timestamps", "say when each line was written")
                .flag("--raw", "print colours and all else that a terminal obeys, as the machine wrote it")
                .example("allod machine logs hello-1 -f");
    }

    static Word.Command stats() {
        return MachineWords.one("stats", "print what a machine uses now", MachineOutput::stats)
                .example("allod machine stats hello-1 --json");
    }

    private static int logs(Session session) {
        Given given = session.given();
        Found machine = Found.one(session.daemon(), given.take(0));
        String query =
                "?tail=" + given.number("--tail", 0).orElse(200) + (given.flag("--follow") ? "&follow=true" : "");
        session.daemon().stream("GET", machine.path() + "/logs" + query, Json.none(), line -> {
            if (session.json()) {
                session.screen().now(line.write());
                return;
            }
            String text = line.at("text").text().stripTrailing();
            String shown = given.flag("--timestamps") ? line.at("at").text() + "  " + text : text;
            if (given.flag("--raw")) {
                session.screen().raw(shown);
            } else {
                session.screen().line(shown);
            }
            if (given.flag("--follow")) {
                session.screen().flush();
            }
        });
        return ExitCode.DONE;
    }

    private static int stats(Session session) {
        Found machine = Found.one(session.daemon(), session.given().take(0));
        Json stats = session.daemon().get(machine.path() + "/stats");
        if (session.json()) {
            session.print(stats);
            return ExitCode.DONE;
        }
        stats.map().forEach((name, value) -> {
            long number = value.number(0);
            String shown = name.endsWith("_bytes") || name.startsWith("bytes")
                    ? ImageWork.size(number)
                    : name.endsWith("_ns") || name.endsWith("_nanos") ? number / 1_000_000 + " ms" : value.text();
            session.screen()
                    .line(session.screen().dim(name.replace('_', ' ') + " ".repeat(Math.max(1, 20 - name.length())))
                            + shown);
        });
        return ExitCode.DONE;
    }
}
