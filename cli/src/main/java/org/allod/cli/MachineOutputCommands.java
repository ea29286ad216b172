package org.allod.cli;

/** {@code allod machine logs} and {@code stats}: a machine's output and resource use. */
final class MachineOutputCommands {
    private MachineOutputCommands() {}

    static CommandNode.Command logs() {
        return MachineCommands.one("logs", "print what a machine has written", MachineOutputCommands::logs)
                .flag("--follow -f", "go on as it writes more")
                .number("--tail -n", "N", "only the last N lines (200)")
                .flag("--timestamps", "say when each line was written")
                .flag("--raw", "print colours and all else that a terminal obeys, as the machine wrote it")
                .example("allod machine logs hello-1 -f");
    }

    static CommandNode.Command stats() {
        return MachineCommands.one("stats", "print what a machine uses now", MachineOutputCommands::stats)
                .example("allod machine stats hello-1 --json");
    }

    private static int logs(CommandContext context) {
        ParsedArgs args = context.given();
        MachineRef machine = MachineRef.one(context.daemon(), args.required(0));
        String query = "?tail=" + args.number("--tail", 0).orElse(200) + (args.flag("--follow") ? "&follow=true" : "");
        context.daemon().stream("GET", machine.path() + "/logs" + query, Json.none(), line -> {
            if (context.json()) {
                context.console().now(line.write());
                return;
            }
            String text = line.at("text").text().stripTrailing();
            String shown = args.flag("--timestamps") ? line.at("at").text() + "  " + text : text;
            if (args.flag("--raw")) {
                context.console().raw(shown);
            } else {
                context.console().line(shown);
            }
            if (args.flag("--follow")) {
                context.console().flush();
            }
        });
        return ExitCode.DONE;
    }

    private static int stats(CommandContext context) {
        MachineRef machine = MachineRef.one(context.daemon(), context.given().required(0));
        Json stats = context.daemon().get(machine.path() + "/stats");
        if (context.json()) {
            context.print(stats);
            return ExitCode.DONE;
        }
        stats.map().forEach((name, value) -> {
            long number = value.number(0);
            String shown = name.endsWith("_bytes") || name.startsWith("bytes")
                    ? ImageTask.size(number)
                    : name.endsWith("_ns") || name.endsWith("_nanos") ? number / 1_000_000 + " ms" : value.text();
            context.console()
                    .line(context.console().dim(name.replace('_', ' ') + " ".repeat(Math.max(1, 20 - name.length())))
                            + shown);
        });
        return ExitCode.DONE;
    }
}
