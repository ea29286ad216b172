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
final class MachineWords {
    private static final String WHICH = "its name, id, APP/NAME, or the unique beginning of a name or id";

    private MachineWords() {}

    static List<Word> all() {
        List<Word> all = new ArrayList<>(List.of(
                RunMachine.word(),
                new Word.Command("list", "list machines", MachineWords::list)
                        .option("--app -a", "NAME", Word.Kind.APP, "only this app's")
                        .flag("--quiet -q", "print ids alone")
                        .example("allod machine list --app hello"),
                one("show", "show a machine: its state, its config, its events", MachineWords::show)
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
                UpdateMachine.word(),
                MachineOutput.logs(),
                ExecMachine.word(),
                MachineOutput.stats(),
                new Word.Command("destroy", "destroy machines and their disks", MachineWords::destroy)
                        .takesMany("MACHINE", Word.Kind.MACHINE, WHICH)
                        .flag("--force -f", "also where it runs: it is killed first")
                        .number("--timeout", "SECONDS", "how long to wait until it is gone (120); 0 does not wait")
                        .example("allod machine destroy hello-1 --force")));
        all.add(MachineMemory.word());
        all.addAll(MachineExtras.all());
        return List.copyOf(all);
    }

    static Word.Command one(String name, String summary, Word.Action action) {
        return new Word.Command(name, summary, action).takes("MACHINE", Word.Kind.MACHINE, WHICH);
    }

    private static Word.Command verb(String name, String summary, String state) {
        return new Word.Command(name, summary, session -> change(session, name, state))
                .takesMany("MACHINE", Word.Kind.MACHINE, WHICH)
                .number("--timeout", "SECONDS", "how long to wait for it (120); 0 does not wait");
    }

    private static int list(Session session) {
        List<Found> machines = Found.all(session.daemon(), session.given().option("--app"));
        Screen screen = session.screen();
        if (session.json()) {
            session.print(Json.of(machines.stream().map(MachineWords::withApp).toList()));
        } else if (session.given().flag("--quiet")) {
            machines.forEach(machine -> screen.line(machine.id()));
        } else if (machines.isEmpty()) {
            screen.note("no machines yet; `allod machine run IMAGE --app NAME --port 8080` runs one");
        } else {
            Table table = new Table("app", "name", "id", "state", "address", "age", "image");
            for (Found found : machines) {
                Json machine = found.machine();
                table.row(
                        found.app(),
                        found.name(),
                        found.id(),
                        machine.at("state").text(),
                        machine.at("private_ip").text(),
                        age(session, machine.at("created_at").text()),
                        DeployWords.image(machine.at("config", "image").text()));
            }
            table.print(screen);
        }
        return ExitCode.DONE;
    }

    private static Json withApp(Found found) {
        Map<String, Json> fields = new LinkedHashMap<>();
        fields.put("app_name", Json.of(found.app()));
        fields.putAll(found.machine().map());
        return new Json.Obj(fields);
    }

    /** How long ago, in the largest unit that says something: {@code 40s}, {@code 12m}, {@code 3h}, {@code 9d}. */
    static String age(Session session, String at) {
        try {
            long seconds = Math.max(
                    0,
                    Duration.between(Instant.parse(at), session.clock().wall()).toSeconds());
            return seconds < 90
                    ? seconds + "s"
                    : seconds < 5400
                            ? seconds / 60 + "m"
                            : seconds < 172_800 ? seconds / 3600 + "h" : seconds / 86_400 + "d";
        } catch (DateTimeParseException e) {
            return "";
        }
    }

    private static int show(Session session) {
        Found found = Found.one(session.daemon(), session.given().take(0));
        Json machine = session.daemon().get(found.path());
        if (session.json()) {
            session.print(machine);
            return ExitCode.DONE;
        }
        MachinePage.print(session, found.app(), machine);
        return ExitCode.DONE;
    }

    private static int change(Session session, String verb, String state) {
        Daemon daemon = session.daemon();
        int seconds = session.given().number("--timeout", 0).orElse(120);
        List<Json> after = new ArrayList<>();
        for (Found machine : chosen(session)) {
            session.screen().progress(verb + " " + machine.name(), "");
            daemon.call("POST", machine.path() + "/" + verb + query(session, verb), body(session, verb), Daemon.PROMPT);
            Json now = seconds == 0
                    ? daemon.get(machine.path())
                    : Lifecycle.await(session, daemon, machine, state, seconds);
            after.add(now);
            if (!session.json()) {
                session.screen().now(machine.name() + " is " + now.at("state").text());
            }
        }
        printAll(session, after);
        return ExitCode.DONE;
    }

    /** All of them are found before the first is touched. */
    private static List<Found> chosen(Session session) {
        List<Found> all = Found.all(session.daemon(), Optional.empty());
        return session.given().rest(0).stream()
                .map(typed -> Found.one(all, typed))
                .distinct()
                .toList();
    }

    private static Json body(Session session, String verb) {
        return verb.equals("stop")
                ? Json.obj(
                        "signal",
                        session.given().option("--signal").orElse(null),
                        "timeout",
                        session.given()
                                .number("--grace", 0)
                                .map(MachineWords::grace)
                                .orElse(null))
                : Json.none();
    }

    /** A machine that is to end at once gets next to no time: the API takes none for what the configuration says. */
    private static String grace(int seconds) {
        return seconds == 0 ? "1ms" : seconds + "s";
    }

    private static String query(Session session, String verb) {
        if (!verb.equals("restart")) {
            return "";
        }
        List<String> parts = new ArrayList<>();
        session.given().number("--grace", 0).ifPresent(s -> parts.add("timeout=" + grace(s)));
        session.given().option("--signal").ifPresent(s -> parts.add("signal=" + Daemon.encode(s)));
        return parts.isEmpty() ? "" : "?" + String.join("&", parts);
    }

    private static int destroy(Session session) {
        int seconds = session.given().number("--timeout", 0).orElse(120);
        List<Found> all = chosen(session);
        // All are told before the first is waited for.
        all.forEach(machine ->
                Lifecycle.destroy(session.daemon(), machine, session.given().flag("--force")));
        List<Json> after = new ArrayList<>();
        for (Found machine : all) {
            if (seconds > 0) {
                Lifecycle.awaitGone(session, session.daemon(), machine, seconds);
            }
            String state = seconds > 0 ? "destroyed" : "destroying";
            after.add(Json.obj("id", machine.id(), "name", machine.name(), "state", state));
            if (!session.json()) {
                session.screen().now(machine.name() + (seconds > 0 ? " is gone" : " is being destroyed"));
            }
        }
        printAll(session, after);
        return ExitCode.DONE;
    }

    /** One machine prints as itself, several as an array. */
    private static void printAll(Session session, List<Json> machines) {
        if (session.json()) {
            session.print(machines.size() == 1 ? machines.getFirst() : Json.of(machines));
        }
    }
}
