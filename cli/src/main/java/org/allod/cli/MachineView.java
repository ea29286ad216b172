package org.allod.cli;

import java.time.Instant;
import java.util.List;

/** One machine in full, for a person. */
final class MachineView {
    private static final int EVENTS = 10;

    private MachineView() {}

    static void print(CommandContext context, String app, Json machine) {
        Console console = context.console();
        Json config = machine.at("config");
        Json guest = config.at("guest");
        field(
                console,
                "machine",
                machine.at("name").text() + "  " + console.dim(machine.at("id").text()));
        field(console, "app", app);
        field(console, "state", console.state(machine.at("state").text()));
        field(console, "image", config.at("image").text());
        field(console, "runtime", machine.at("runtime").text());
        field(console, "address", machine.at("private_ip").text());
        field(
                console,
                "size",
                guest.at("cpus").text("1") + " cpu, " + guest.at("memory_mb").text("256") + " MB");
        field(console, "version", machine.at("instance_id").text());
        field(console, "region", machine.at("region").text());
        field(console, "created", machine.at("created_at").text());
        config.at("env").map().forEach((name, value) -> field(console, "env", name + "=" + value.text()));
        for (Json service : config.at("services").items()) {
            field(
                    console,
                    "service",
                    service.at("protocol").text("tcp") + " "
                            + service.at("internal_port").text() + ", autostart "
                            + (service.at("autostart").isTrue() ? "on" : "off") + ", autostop "
                            + service.at("autostop").text("off"));
        }
        for (Json check : machine.at("checks").items()) {
            field(
                    console,
                    "check",
                    check.at("name").text() + " " + check.at("status").text() + "  "
                            + check.at("output").text());
        }
        List<Json> events = machine.at("events").items();
        for (Json event : events.subList(0, Math.min(EVENTS, events.size()))) {
            field(
                    console,
                    "event",
                    time(event.at("timestamp").number(0)) + "  "
                            + event.at("type").text() + "  "
                            + event.at("status").text() + detail(event));
        }
    }

    /**
     * The reason for its state from its last event, as the end of a sentence; empty if that event does not explain it.
     */
    static String why(Json machine) {
        List<Json> events = machine.at("events").items();
        String detail = events.isEmpty() ? "" : detail(events.getFirst()).strip();
        return detail.isEmpty() ? "" : ": " + detail;
    }

    /** An event's detail: why something failed or is blocked, how a program ended. */
    private static String detail(Json event) {
        Json exit = event.at("request", "exit_event");
        String reason = event.at("request", "reason").text();
        if (!reason.isEmpty()) {
            return "  " + reason;
        }
        if (exit.isNull()) {
            return "";
        }
        long signal = exit.at("signal").number(0);
        return (signal > 0
                        ? "  signal " + signal
                        : "  exit code " + exit.at("exit_code").text())
                + (exit.at("oom_killed").isTrue() ? ", out of memory" : "");
    }

    private static String time(long millis) {
        return millis == 0 ? "-" : Instant.ofEpochMilli(millis).toString();
    }

    private static void field(Console console, String name, String value) {
        if (!value.isEmpty()) {
            console.line(console.dim(name + " ".repeat(Math.max(1, 10 - name.length()))) + value);
        }
    }
}
