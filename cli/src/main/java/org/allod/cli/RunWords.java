package org.allod.cli;

import java.util.ArrayList;
import java.util.List;
import org.allod.base.Rejected;

/** {@code allod fsm …}: the durable runs behind every change of a machine. */
final class RunWords {
    private RunWords() {}

    static List<Word> all() {
        return List.of(
                new Word.Command("list", "list runs, newest first", RunWords::list)
                        .option("--type", "TYPE", "only this kind, such as create")
                        .option("--subject", "ID", Word.Kind.MACHINE, "only those of this machine")
                        .flag("--active", "only those that are not over")
                        .number("--limit -n", "N", "how many (50)")
                        .example("allod fsm list --active"),
                new Word.Command("show", "show a run and everything that happened in it", RunWords::show)
                        .takes("RUN", Word.Kind.RUN, "its id")
                        .example("allod fsm show 01KAR5V3M8Z0Q2W4E6R8T0Y2U4"),
                new Word.Command("watch", "print what happens in runs as it happens", RunWords::watch)
                        .mayTake("RUN", Word.Kind.RUN, "one run, until it is over (every run, until Ctrl-C)")
                        .example("allod fsm watch"),
                new Word.Command("cancel", "end a run; its finalizers still run", RunWords::cancel)
                        .takes("RUN", Word.Kind.RUN, "its id")
                        .option("--cause", "TEXT", "why, for the record")
                        .example("allod fsm cancel 01KAR5V3M8Z0Q2W4E6R8T0Y2U4 --cause 'wrong image'"));
    }

    private static int list(Session session) {
        Given given = session.given();
        Daemon daemon = session.daemon();
        List<String> query = new ArrayList<>();
        given.option("--type").ifPresent(type -> query.add("type=" + Daemon.encode(type)));
        given.option("--subject").ifPresent(id -> query.add("subject=" + Daemon.encode(subject(daemon, id))));
        if (given.flag("--active")) {
            query.add("active=true");
        }
        query.add("limit=" + given.number("--limit", 1).orElse(50));
        Json answer = daemon.get("/v1/host/runs?" + String.join("&", query));
        if (session.json()) {
            session.print(answer);
            return ExitCode.DONE;
        }
        if (answer.at("runs").items().isEmpty()) {
            session.screen().note("no such runs");
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
                    MachineWords.age(session, run.at("created_at").text()),
                    run.at("error").text());
        }
        table.print(session.screen());
        return ExitCode.DONE;
    }

    /** A machine may be named the way people do; any other subject is what it is. */
    private static String subject(Daemon daemon, String typed) {
        try {
            return Found.one(daemon, typed).id();
        } catch (Rejected e) {
            return typed;
        }
    }

    /** How it ended; while it has not, where it is. */
    private static String state(Json run) {
        return run.at("outcome").text(run.at("phase").text());
    }

    private static int show(Session session) {
        Json run = session.daemon()
                .get("/v1/host/runs/" + Daemon.encode(session.given().take(0)));
        if (session.json()) {
            session.print(run);
            return ExitCode.DONE;
        }
        Screen screen = session.screen();
        for (String name : List.of(
                "id", "type", "subject", "step", "attempt", "created_at", "since", "error", "detail", "traceparent")) {
            if (!run.at(name).text().isEmpty()) {
                screen.line(screen.dim(name + " ".repeat(Math.max(1, 12 - name.length())))
                        + run.at(name).text());
            }
        }
        screen.line(screen.dim("state       ") + screen.state(state(run)));
        run.at("events").items().forEach(event -> screen.line("  " + line(event)));
        return ExitCode.DONE;
    }

    private static int watch(Session session) {
        String target = session.given()
                .mayTake(0)
                .map(run -> "/v1/host/runs/" + Daemon.encode(run) + "/watch")
                .orElse("/v1/host/runs/watch");
        session.daemon().stream("GET", target, Json.none(), event -> {
            session.screen().now(session.json() ? event.write() : line(event));
        });
        return ExitCode.DONE;
    }

    /** An event on one line: when, of what, what; then whatever else it says. */
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

    private static int cancel(Session session) {
        String run = session.given().take(0);
        Json answer = session.daemon()
                .post(
                        "/v1/host/runs/" + Daemon.encode(run) + "/cancel",
                        Json.obj("cause", session.given().option("--cause").orElse("cancelled by the operator")));
        if (session.json()) {
            session.print(answer);
        } else {
            session.screen().line("run " + run + " is being cancelled");
        }
        return ExitCode.DONE;
    }
}
