package org.allod.cli;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/** {@code allod status}, {@code doctor} and {@code auth}: the host itself. */
final class HostWords {
    private HostWords() {}

    static List<Word> all() {
        return List.of(
                new Word.Command("status", "say how this host is: its daemon, runtimes, machines", HostWords::status)
                        .example("allod status --json"),
                new Word.Command(
                                "doctor",
                                "say what works here and what does not, and what to do about it",
                                HostWords::doctor)
                        .flag(
                                "--probe",
                                "boot a probe guest on every runtime, now (the last result is shown otherwise)")
                        .example("allod doctor --probe"),
                new Word.Branch(
                        "auth",
                        "credentials of the API",
                        () -> List.of(new Word.Command(
                                        "token", "print the operator's token for the API over TCP", HostWords::token)
                                .more("Only over the Unix socket, so only to those whom the host's own permissions let"
                                        + " near it.")
                                .example("ALLOD_TOKEN=$(allod auth token) allod --api 127.0.0.1:4280 status"))));
    }

    private static int status(Session session) {
        Json status = session.daemon().get("/v1/host/status");
        if (session.json()) {
            session.print(status);
            return ExitCode.DONE;
        }
        print(session.screen(), "", status);
        return ExitCode.DONE;
    }

    private static int doctor(Session session) {
        boolean probe = session.given().flag("--probe");
        if (probe) {
            session.screen().progress("booting a probe guest on every runtime", "");
        }
        // An emulated machine takes its time to boot, and one that hangs is given its whole bound.
        Json report = session.daemon()
                .call("GET", "/v1/host/doctor" + (probe ? "?probe=true" : ""), Json.none(), Duration.ofMinutes(5));
        session.screen().settle();
        if (session.json()) {
            session.print(report);
        } else if (report.at("checks").items().isEmpty()) {
            print(session.screen(), "", report);
        } else {
            for (Json check : report.at("checks").items()) {
                finding(session.screen(), check);
            }
            report.map().forEach((name, value) -> {
                if (!name.equals("checks") && !name.equals("ok")) {
                    print(session.screen(), "", Json.obj(name, value));
                }
            });
        }
        return report.at("ok") instanceof Json.Bool(boolean ok) && !ok ? ExitCode.FAILED : ExitCode.DONE;
    }

    private static void finding(Screen screen, Json check) {
        String status = check.at("status").text();
        String name = check.at("name").text();
        screen.line(screen.state(status)
                + " ".repeat(Math.max(1, 9 - status.length()))
                + name
                + " ".repeat(Math.max(1, 28 - name.length()))
                + check.at("detail").text());
        if (!check.at("remedy").isNull()) {
            screen.line("         " + check.at("remedy").text());
        }
    }

    /** Nested objects as indented blocks; whatever the daemon says is shown. */
    private static void print(Screen screen, String indent, Json value) {
        int width = value.map().keySet().stream().mapToInt(String::length).max().orElse(0) + 2;
        for (Map.Entry<String, Json> field : value.map().entrySet()) {
            String name = field.getKey().replace('_', ' ');
            String label = indent + screen.dim(name + " ".repeat(Math.max(1, width - name.length())));
            switch (field.getValue()) {
                case Json.Obj nested -> {
                    screen.line(indent + screen.dim(name));
                    print(screen, indent + "  ", nested);
                }
                case Json.Arr(List<Json> items)
                when items.stream().anyMatch(Json.Obj.class::isInstance) -> {
                    screen.line(indent + screen.dim(name));
                    for (Json item : items) {
                        print(screen, indent + "  ", item);
                        screen.line("");
                    }
                }
                case Json.Arr(List<Json> items) ->
                    screen.line(label
                            + String.join(", ", items.stream().map(Json::text).toList()));
                case Json single -> screen.line(label + screen.state(single.text("-")));
            }
        }
    }

    private static int token(Session session) {
        Json answer = session.daemon().get("/v1/host/token");
        if (session.json()) {
            session.print(answer);
        } else {
            session.screen().line(answer.at("token").text());
        }
        return ExitCode.DONE;
    }
}
