package org.allod.cli;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.allod.base.FailedException;
import org.allod.base.RejectedException;

/**
 * {@code allod machine update}: replaces the machine's configuration by a modified copy, on condition that nobody else
 * has changed it meanwhile. A running machine is restarted; a stopped one stays stopped.
 */
final class MachineUpdateCommand {
    private MachineUpdateCommand() {}

    static CommandNode.Command word() {
        return MachineCommands.one(
                        "update", "change a machine's image, size, environment, service", MachineUpdateCommand::run)
                .mayTakeMany("-- CMD", CommandNode.Kind.WORD, "the command to run from now on")
                .option("--image", "IMAGE", CommandNode.Kind.IMAGE, "another image, or the same name anew")
                .number("--port -p", "PORT", "the port it serves HTTP on")
                .number("--memory -m", "MB", "memory")
                .number("--cpus", "N", "processors")
                .many("--env -e", "K=V", CommandNode.Kind.WORD, "set a variable of its environment; repeatable")
                .many("--unset", "K", CommandNode.Kind.WORD, "take a variable out of its environment; repeatable")
                .many("--metadata", "K=V", CommandNode.Kind.WORD, "set a label; repeatable")
                .choice("--restart", List.of("no", "always", "on-failure"), "when it exits")
                .choice("--autostop", List.of("off", "stop", "suspend"), "when nobody asks for it")
                .flag("--start", "start it, where it does not run")
                .number("--timeout", "SECONDS", "how long to wait for it (180); 0 does not wait")
                .more("What is not named stays. A machine that runs is restarted.")
                .example("allod machine update hello-1 --memory 512 -e LOG=debug")
                .example("allod machine update hello-1 --image hello:2");
    }

    private static int run(CommandContext context) {
        ParsedArgs args = context.given();
        DaemonClient daemon = context.daemon();
        MachineRef machine = MachineRef.one(daemon, args.required(0));
        Json now = daemon.get(machine.path());
        Json config = changed(now.at("config"), args);
        if (config.equals(now.at("config")) && args.option("--image").isEmpty() && !args.flag("--start")) {
            throw RejectedException.because(
                    RejectedException.Reason.INVALID,
                    "nothing to change about machine " + machine.name(),
                    "`allod help machine update` lists what can be changed");
        }
        args.option("--image")
                .ifPresent(image -> MachineRunCommand.ensureImage(context, MachineRunCommand.image(image)));
        boolean runs = now.at("state").text().equals("started") || args.flag("--start");
        context.console().progress("updating " + machine.name(), "");
        Json answer = daemon.call(
                "POST",
                machine.path(),
                Json.obj("config", config, "current_version", now.at("instance_id"), "skip_launch", !runs),
                Duration.ofMinutes(2));
        int seconds = args.number("--timeout", 0).orElse(180);
        Json after = seconds == 0
                ? answer
                : settled(context, machine, answer.at("instance_id").text(), seconds);
        if (context.json()) {
            context.print(after);
        } else {
            context.console()
                    .line("machine " + machine.name() + " is "
                            + (seconds == 0
                                    ? "being updated"
                                    : after.at("state").text()) + ", at version "
                            + answer.at("instance_id").text());
        }
        return ExitCode.DONE;
    }

    /** The complete configuration that replaces {@code config}. */
    static Json changed(Json config, ParsedArgs args) {
        Map<String, Json> next = new LinkedHashMap<>(config.map());
        args.option("--image").ifPresent(image -> next.put("image", Json.of(MachineRunCommand.image(image))));
        Map<String, Json> guest = new LinkedHashMap<>(config.at("guest").map());
        args.number("--cpus", 1).ifPresent(n -> guest.put("cpus", Json.of(n)));
        args.number("--memory", 1).ifPresent(n -> guest.put("memory_mb", Json.of(n)));
        put(next, "guest", guest);
        Map<String, Json> env = new LinkedHashMap<>(config.at("env").map());
        MachineRunCommand.pairs("-e", args.options("--env")).forEach((name, value) -> env.put(name, Json.of(value)));
        args.options("--unset").forEach(env::remove);
        put(next, "env", env);
        Map<String, Json> metadata = new LinkedHashMap<>(config.at("metadata").map());
        MachineRunCommand.pairs("--metadata", args.options("--metadata"))
                .forEach((name, value) -> metadata.put(name, Json.of(value)));
        put(next, "metadata", metadata);
        if (!args.rest(1).isEmpty()) {
            Map<String, Json> init = new LinkedHashMap<>(config.at("init").map());
            init.put("cmd", Json.of(args.rest(1)));
            put(next, "init", init);
        }
        args.option("--restart").ifPresent(policy -> {
            Map<String, Json> restart = new LinkedHashMap<>(config.at("restart").map());
            restart.put("policy", Json.of(policy));
            put(next, "restart", restart);
        });
        services(config, args).ifPresent(services -> next.put("services", services));
        return new Json.Obj(next);
    }

    private static void put(Map<String, Json> into, String name, Map<String, Json> fields) {
        if (fields.isEmpty()) {
            into.remove(name);
        } else {
            into.put(name, new Json.Obj(fields));
        }
    }

    /** The services with a new port or autostop in the first one; created if there is none. */
    private static Optional<Json> services(Json config, ParsedArgs args) {
        Optional<Integer> port = args.number("--port", 1);
        Optional<String> autostop = args.option("--autostop");
        if (port.isEmpty() && autostop.isEmpty()) {
            return Optional.empty();
        }
        List<Json> services = config.at("services").items();
        if (services.isEmpty()) {
            return Optional.of(MachineRunCommand.service(
                    port.orElseThrow(() -> RejectedException.because(
                            RejectedException.Reason.INVALID,
                            "--autostop, but the machine serves nothing",
                            "only a machine that serves requests can be stopped when none come: name its --port")),
                    autostop.orElse("off")));
        }
        Map<String, Json> first = new LinkedHashMap<>(services.getFirst().map());
        port.ifPresent(n -> first.put("internal_port", Json.of(n)));
        autostop.ifPresent(how -> first.put("autostop", Json.of(how)));
        List<Json> next = new java.util.ArrayList<>(services);
        next.set(0, new Json.Obj(first));
        return Optional.of(Json.of(next));
    }

    /** Waits until the update has ended, and reports one that had no effect. */
    private static Json settled(CommandContext context, MachineRef machine, String version, int seconds) {
        Json after = StateCommands.await(context, context.daemon(), machine, "settled", seconds);
        if (!after.at("instance_id").text().equals(version)
                || after.at("state").text().equals("failed")) {
            throw new FailedException(
                    "machine " + machine.name() + " is " + after.at("state").text() + ", and "
                            + (after.at("instance_id").text().equals(version)
                                    ? "at the new version"
                                    : "still at the previous version: the update had no effect")
                            + "; `allod machine show " + machine.name() + "` says why");
        }
        return after;
    }
}
