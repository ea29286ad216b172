package org.allod.cli;

import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** {@code allod machine …} */
final class MachineCommands {
    private static final String WHICH = "its name, id, APP/NAME, or the unique beginning of a name or id";

    private MachineCommands() {}

    static List<CommandNode> all() {
        List<CommandNode> all = new ArrayList<>(List.of(
                MachineRunCommand.word(),
                new CommandNode.Command("list", "list machines", MachineCommands::list)
                        .option("--app -a", "NAME", CommandNode.Kind.APP, "only this app's")
                        .flag("--quiet -q", "print ids alone")
                        .example("allod machine list --app hello"),
                one("show", "show a machine: its state, its config, its events", MachineCommands::show)
                        .example("allod machine show hello-1"),
                verb("start", "start machines and wait until they run", "started")
                        .example("allod machine start hello-1"),
                verb("stop", "stop machines: memory is freed, the disk stays", "stopped")
                        .option("--signal -s", "SIGNAL", "sent first (SIGTERM, or what the image says)")
                        .number("--grace -g", "SECONDS", "until it is killed (5, or what the config says)")
                        .example("allod machine stop hello-1 --grace 30"),
                verb("suspend", "suspend machines: memory is kept on disk", "suspended")
                        .example("allod machine suspend hello-1"),
                verb("resume", "resume suspended machines where they were", "started")
                        .example("allod machine resume hello-1"),
                verb("restart", "stop machines and start them again", "started")
                        .option("--signal -s", "SIGNAL", "sent first (SIGTERM, or what the image says)")
                        .number("--grace -g", "SECONDS", "until it is killed (5, or what the config says)")
                        .example("allod machine restart hello-1"),
                MachineUpdateCommand.word(),
                MachineOutputCommands.logs(),
                MachineExecCommand.word(),
                MachineOutputCommands.stats(),
                new CommandNode.Command("destroy", "destroy machines and their disks", MachineCommands::destroy)
                        .takesMany("MACHINE", CommandNode.Kind.MACHINE, WHICH)
                        .flag("--force -f", "also where it runs: it is killed first")
                        .number("--timeout", "SECONDS", "how long to wait until it is gone (120); 0 does not wait")
                        .example("allod machine destroy hello-1 --force")));
        all.add(MachineMemory.word());
        all.addAll(MachineInspectCommands.all());
        return List.copyOf(all);
    }

    static CommandNode.Command one(String name, String summary, CommandNode.Action action) {
        return new CommandNode.Command(name, summary, action).takes("MACHINE", CommandNode.Kind.MACHINE, WHICH);
    }

    private static CommandNode.Command verb(String name, String summary, String state) {
        return new CommandNode.Command(name, summary, context -> change(context, name, state))
                .takesMany("MACHINE", CommandNode.Kind.MACHINE, WHICH)
                .number("--timeout", "SECONDS", "how long to wait for it (120); 0 does not wait");
    }

    private static int list(CommandContext context) {
        List<MachineRef> machines =
                MachineRef.all(context.daemon(), context.given().option("--app"));
        Console console = context.console();
        if (context.json()) {
            context.print(
                    Json.of(machines.stream().map(MachineCommands::withApp).toList()));
        } else if (context.given().flag("--quiet")) {
            machines.forEach(machine -> console.line(machine.id()));
        } else if (machines.isEmpty()) {
            console.note("no machines yet; `allod machine run IMAGE --app NAME --port 8080` runs one");
        } else {
            Table table = new Table("app", "name", "id", "state", "address", "age", "image");
            for (MachineRef ref : machines) {
                Json machine = ref.machine();
                table.row(
                        ref.app(),
                        ref.name(),
                        ref.id(),
                        machine.at("state").text(),
                        machine.at("private_ip").text(),
                        age(context, machine.at("created_at").text()),
                        DeployCommands.image(machine.at("config", "image").text()));
            }
            table.print(console);
        }
        return ExitCode.DONE;
    }

    private static Json withApp(MachineRef ref) {
        Map<String, Json> fields = new LinkedHashMap<>();
        fields.put("app_name", Json.of(ref.app()));
        fields.putAll(ref.machine().map());
        return new Json.Obj(fields);
    }

    /** The age in the largest useful unit: {@code 40s}, {@code 12m}, {@code 3h}, {@code 9d}. */
    static String age(CommandContext context, String at) {
        try {
            long seconds = Math.max(
                    0,
                    Duration.between(Instant.parse(at), context.clock().wall()).toSeconds());
            return seconds < 90
                    ? seconds + "s"
                    : seconds < 5400
                            ? seconds / 60 + "m"
                            : seconds < 172_800 ? seconds / 3600 + "h" : seconds / 86_400 + "d";
        } catch (DateTimeParseException e) {
            return "";
        }
    }

    private static int show(CommandContext context) {
        MachineRef ref = MachineRef.one(context.daemon(), context.given().required(0));
        Json machine = context.daemon().get(ref.path());
        if (context.json()) {
            context.print(machine);
            return ExitCode.DONE;
        }
        MachineView.print(context, ref.app(), machine);
        return ExitCode.DONE;
    }

    private static int change(CommandContext context, String verb, String state) {
        DaemonClient daemon = context.daemon();
        int seconds = context.given().number("--timeout", 0).orElse(120);
        List<Json> after = new ArrayList<>();
        for (MachineRef machine : chosen(context)) {
            context.console().progress(verb + " " + machine.name(), "");
            daemon.call(
                    "POST",
                    machine.path() + "/" + verb + query(context, verb),
                    body(context, verb),
                    DaemonClient.PROMPT);
            Json now = seconds == 0
                    ? daemon.get(machine.path())
                    : StateCommands.await(context, daemon, machine, state, seconds);
            after.add(now);
            if (!context.json()) {
                context.console().now(machine.name() + " is " + now.at("state").text());
            }
        }
        printAll(context, after);
        return ExitCode.DONE;
    }

    /** Resolves all machines before the first is changed. */
    private static List<MachineRef> chosen(CommandContext context) {
        List<MachineRef> all = MachineRef.all(context.daemon(), Optional.empty());
        return context.given().rest(0).stream()
                .map(typed -> MachineRef.one(all, typed))
                .distinct()
                .toList();
    }

    private static Json body(CommandContext context, String verb) {
        return verb.equals("stop")
                ? Json.obj(
                        "signal",
                        context.given().option("--signal").orElse(null),
                        "timeout",
                        context.given()
                                .number("--grace", 0)
                                .map(MachineCommands::grace)
                                .orElse(null))
                : Json.none();
    }

    /**
     * The API's value for the grace period; 0 would mean the configuration's, so an immediate end is a very short one.
     */
    private static String grace(int seconds) {
        return seconds == 0 ? "1ms" : seconds + "s";
    }

    private static String query(CommandContext context, String verb) {
        if (!verb.equals("restart")) {
            return "";
        }
        List<String> parts = new ArrayList<>();
        context.given().number("--grace", 0).ifPresent(s -> parts.add("timeout=" + grace(s)));
        context.given().option("--signal").ifPresent(s -> parts.add("signal=" + DaemonClient.encode(s)));
        return parts.isEmpty() ? "" : "?" + String.join("&", parts);
    }

    private static int destroy(CommandContext context) {
        int seconds = context.given().number("--timeout", 0).orElse(120);
        List<MachineRef> all = chosen(context);
        // Sends all requests before waiting for the first.
        all.forEach(machine ->
                StateCommands.destroy(context.daemon(), machine, context.given().flag("--force")));
        List<Json> after = new ArrayList<>();
        for (MachineRef machine : all) {
            if (seconds > 0) {
                StateCommands.awaitGone(context, context.daemon(), machine, seconds);
            }
            String state = seconds > 0 ? "destroyed" : "destroying";
            after.add(Json.obj("id", machine.id(), "name", machine.name(), "state", state));
            if (!context.json()) {
                context.console().now(machine.name() + (seconds > 0 ? " is gone" : " is being destroyed"));
            }
        }
        printAll(context, after);
        return ExitCode.DONE;
    }

    /** Prints one machine as an object, several as an array. */
    private static void printAll(CommandContext context, List<Json> machines) {
        if (context.json()) {
            context.print(machines.size() == 1 ? machines.getFirst() : Json.of(machines));
        }
    }
}
