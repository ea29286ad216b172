package org.allod.cli;

import java.util.ArrayList;
import java.util.List;
import org.allod.base.RejectedException;

/** {@code allod fsm …}: the durable runs behind every change of a machine. */
final class FsmCommands {
    private FsmCommands() {}

    static List<CommandNode> all() {
        return List.of(
                new CommandNode.Command("list", "list runs, newest first", FsmCommands::list)
                        .option("--type", "TYPE", "only this kind, such as create")
                        .option("--subject", "ID", CommandNode.Kind.MACHINE, "only those of this machine")
                        .flag("--active", "only those that are not over")
                        .number("--limit -n", "N", "how many (50)")
                        .example("allod fsm list --active"),
                new CommandNode.Command("show", "show a run and everything that happened in it", FsmCommands::show)
                        .takes("RUN", CommandNode.Kind.RUN, "its id")
                        .example("allod fsm show 01KAR5V3M8Z0Q2W4E6R8T0Y2U4"),
                new CommandNode.Command("watch", "print what happens in runs as it happens", FsmCommands::watch)
                        .mayTake("RUN", CommandNode.Kind.RUN, "one run, until it is over (every run, until Ctrl-C)")
                        .example("allod fsm watch"),
                new CommandNode.Command("cancel", "end a run; its finalizers still run", FsmCommands::cancel)
                        .takes("RUN", CommandNode.Kind.RUN, "its id")
                        .option("--cause", "TEXT", "why, for the record")
                        .example("allod fsm cancel 01KAR5V3M8Z0Q2W4E6R8T0Y2U4 --cause 'wrong image'"));
    }

    private static int list(CommandContext context) {
        ParsedArgs args = context.given();
        DaemonClient daemon = context.daemon();
        List<String> query = new ArrayList<>();
        args.option("--type").ifPresent(type -> query.add("type=" + DaemonClient.encode(type)));
        args.option("--subject").ifPresent(id -> query.add("subject=" + DaemonClient.encode(subject(daemon, id))));
        if (args.flag("--active")) {
            query.add("active=true");
        }
        query.add("limit=" + args.number("--limit", 1).orElse(50));
        Json answer = daemon.get("/v1/host/runs?" + String.join("&", query));
        if (context.json()) {
            context.print(answer);
            return ExitCode.DONE;
        }
        if (answer.at("runs").items().isEmpty()) {
            context.console().note("no such runs");
            return ExitCode.DONE;
        }
        Table table = new Table("id", "type", "subject", "state", "step", "attempt", "age", "error");
        for (Json run : answer.at("runs").items()) {
            table.row(
                    run.at("id").text(),
                    run.at("type").text(),
                    run.at("subject").text(),
                    state(run),
                    run.at("step").text(),
                    run.at("attempt").text(),
                    MachineCommands.age(context, run.at("created_at").text()),
                    run.at("error").text());
        }
        table.print(context.console());
        return ExitCode.DONE;
    }

    /** Resolves a machine's name to its id; any other subject is used as it is. */
    private static String subject(DaemonClient daemon, String typed) {
        try {
            return MachineRef.one(daemon, typed).id();
        } catch (RejectedException e) {
            return typed;
        }
    }

    /** How the run ended; if it has not, its current step. */
    private static String state(Json run) {
        return run.at("outcome").text(run.at("phase").text());
    }

    private static int show(CommandContext context) {
        Json run = context.daemon()
                .get("/v1/host/runs/" + DaemonClient.encode(context.given().required(0)));
        if (context.json()) {
            context.print(run);
            return ExitCode.DONE;
        }
        Console console = context.console();
        for (String name : List.of(
                "id", "type", "subject", "step", "attempt", "created_at", "since", "error", "detail", "traceparent")) {
            if (!run.at(name).text().isEmpty()) {
                console.line(console.dim(name + " ".repeat(Math.max(1, 12 - name.length())))
                        + run.at(name).text());
            }
        }
        console.line(console.dim("state       ") + console.state(state(run)));
        run.at("events").items().forEach(event -> console.line("  " + line(event)));
        return ExitCode.DONE;
    }

    private static int watch(CommandContext context) {
        String target = context.given()
                .optional(0)
                .map(run -> "/v1/host/runs/" + DaemonClient.encode(run) + "/watch")
                .orElse("/v1/host/runs/watch");
        context.daemon().stream("GET", target, Json.none(), event -> {
            context.console().now(context.json() ? event.write() : line(event));
        });
        return ExitCode.DONE;
    }

    /** An event on one line: time, step, kind, then its details. */
    private static String line(Json event) {
        List<String> shown = List.of("at", "run", "type", "subject", "event", "kind", "step");
        StringBuilder line = new StringBuilder();
        for (String name : shown) {
            String text = event.at(name).text();
            line.append(text.isEmpty() ? "" : text + "  ");
        }
        event.map().forEach((name, value) -> {
            if (!shown.contains(name) && !value.text().isEmpty()) {
                line.append(name).append('=').append(value.text()).append("  ");
            }
        });
        return line.toString().stripTrailing();
    }

    private static int cancel(CommandContext context) {
        String run = context.given().required(0);
        Json answer = context.daemon()
                .post(
                        "/v1/host/runs/" + DaemonClient.encode(run) + "/cancel",
                        Json.obj("cause", context.given().option("--cause").orElse("cancelled by the operator")));
        if (context.json()) {
            context.print(answer);
        } else {
            context.console().line("run " + run + " is being cancelled");
        }
        return ExitCode.DONE;
    }
}
