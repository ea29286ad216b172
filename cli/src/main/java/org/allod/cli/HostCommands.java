package org.allod.cli;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/** {@code allod status}, {@code doctor} and {@code auth}: the host itself. */
final class HostCommands {
    private HostCommands() {}

    static List<CommandNode> all() {
        return List.of(
                new CommandNode.Command(
                                "status", "say how this host is: its daemon, runtimes, machines", HostCommands::status)
                        .example("allod status --json"),
                new CommandNode.Command(
                                "doctor",
                                "say what works here and what does not, and what to do about it",
                                HostCommands::doctor)
                        .flag(
                                "--probe",
                                "boot a probe guest on every runtime, now (the last result is shown otherwise)")
                        .example("allod doctor --probe"),
                new CommandNode.Branch(
                        "auth",
                        "credentials of the API",
                        () -> List.of(new CommandNode.Command(
                                        "token", "print the operator's token for the API over TCP", HostCommands::token)
                                .more("Only over the Unix socket, so only to those whom the host's own permissions let"
                                        + " near it.")
                                .example("ALLOD_TOKEN=$(allod auth token) allod --api 127.0.0.1:4280 status"))));
    }

    private static int status(CommandContext context) {
        Json status = context.daemon().get("/v1/host/status");
        if (context.json()) {
            context.print(status);
            return ExitCode.DONE;
        }
        print(context.console(), "", status);
        return ExitCode.DONE;
    }

    private static int doctor(CommandContext context) {
        boolean probe = context.given().flag("--probe");
        if (probe) {
            context.console().progress("booting a probe guest on every runtime", "");
        }
        // An emulated guest boots slowly, and one that hangs takes its whole time limit.
        Json report = context.daemon()
                .call("GET", "/v1/host/doctor" + (probe ? "?probe=true" : ""), Json.none(), Duration.ofMinutes(5));
        context.console().settle();
        if (context.json()) {
            context.print(report);
        } else if (report.at("checks").items().isEmpty()) {
            print(context.console(), "", report);
        } else {
            for (Json check : report.at("checks").items()) {
                finding(context.console(), check);
            }
            report.map().forEach((name, value) -> {
                if (!name.equals("checks") && !name.equals("ok")) {
                    print(context.console(), "", Json.obj(name, value));
                }
            });
        }
        return report.at("ok") instanceof Json.Bool(boolean ok) && !ok ? ExitCode.FAILED : ExitCode.DONE;
    }

    private static void finding(Console console, Json check) {
        String status = check.at("status").text();
        String name = check.at("name").text();
        console.line(console.state(status)
                + " ".repeat(Math.max(1, 9 - status.length()))
                + name
                + " ".repeat(Math.max(1, 28 - name.length()))
                + check.at("detail").text());
        if (!check.at("remedy").isNull()) {
            console.line("         " + check.at("remedy").text());
        }
    }

    /** Prints nested objects as indented blocks, including fields that this version does not know. */
    private static void print(Console console, String indent, Json value) {
        int width = value.map().keySet().stream().mapToInt(String::length).max().orElse(0) + 2;
        for (Map.Entry<String, Json> field : value.map().entrySet()) {
            String name = field.getKey().replace('_', ' ');
            String label = indent + console.dim(name + " ".repeat(Math.max(1, width - name.length())));
            switch (field.getValue()) {
                case Json.Obj nested -> {
                    console.line(indent + console.dim(name));
                    print(console, indent + "  ", nested);
                }
                case Json.Arr(List<Json> items)
                when items.stream().anyMatch(Json.Obj.class::isInstance) -> {
                    console.line(indent + console.dim(name));
                    for (Json item : items) {
                        print(console, indent + "  ", item);
                        console.line("");
                    }
                }
                case Json.Arr(List<Json> items) ->
                    console.line(label
                            + String.join(", ", items.stream().map(Json::text).toList()));
                case Json single -> console.line(label + console.state(single.text("-")));
            }
        }
    }

    private static int token(CommandContext context) {
        Json answer = context.daemon().get("/v1/host/token");
        if (context.json()) {
            context.print(answer);
        } else {
            context.console().line(answer.at("token").text());
        }
        return ExitCode.DONE;
    }
}
