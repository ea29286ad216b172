package org.allod.cli;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.allod.base.Failed;
import org.allod.base.Rejected;

/**
 * {@code allod machine update}: the machine's configuration with some of it changed, as a whole new one, and only if
 * nobody else has changed it meanwhile. A machine that runs is restarted by it; one that does not stays as it is.
 */
final class UpdateMachine {
    private UpdateMachine() {}

    static Word.Command word() {
        return MachineWords.one("update", "change a machine's image, size, environment, service", UpdateMachine::run)
                .mayTakeMany("-- CMD", Word.Kind.WORD, "the command to run from now on")
                .option("--image", "IMAGE", Word.Kind.IMAGE, "another image, or the same name anew")
                .number("--port -p", "PORT", "the port it serves HTTP on")
                .number("--memory -m", "MB", "memory")
                .number("--cpus", "N", "processors")
                .many("--env -e", "K=V", Word.Kind.WORD, "set a variable of its environment; repeatable")
                .many("--unset", "K", Word.Kind.WORD, "take a variable out of its environment; repeatable")
                .many("--metadata", "K=V", Word.Kind.WORD, "set a label; repeatable")
                .choice("--restart", List.of("no", "always", "on-failure"), "when it exits")
                .choice("--autostop", List.of("off", "stop", "suspend"), "when nobody asks for it")
                .flag("--start", "start it, where it does not run")
                .number("--timeout", "SECONDS", "how long to wait for it (180); 0 does not wait")
                .more("What is not named stays. A machine that runs is restarted.")
                .example("allod machine update hello-1 --memory 512 -e LOG=debug")
                .example("allod machine update hello-1 --image hello:2");
    }

    private static int run(Session session) {
        Given given = session.given();
        Daemon daemon = session.daemon();
        Found machine = Found.one(daemon, given.take(0));
        Json now = daemon.get(machine.path());
        Json config = changed(now.at("config"), given);
        if (config.equals(now.at("config")) && given.option("--image").isEmpty() && !given.flag("--start")) {
            throw Rejected.because(
                    Rejected.Reason.INVALID,
                    "nothing to change about machine " + machine.name(),
                    "`allod help machine update` lists what can be changed");
        }
        given.option("--image").ifPresent(image -> RunMachine.ensureImage(session, RunMachine.image(image)));
        boolean runs = now.at("state").text().equals("started") || given.flag("--start");
        session.screen().progress("updating " + machine.name(), "");
        Json answer = daemon.call(
                "POST",
                machine.path(),
                Json.obj("config", config, "current_version", now.at("instance_id"), "skip_launch", !runs),
                Duration.ofMinutes(2));
        int seconds = given.number("--timeout", 0).orElse(180);
        Json after = seconds == 0
                ? answer
                : settled(session, machine, answer.at("instance_id").text(), seconds);
        if (session.json()) {
            session.print(after);
        } else {
            session.screen()
                    .line("machine " + machine.name() + " is "
                            + (seconds == 0
                                    ? "being updated"
                                    : after.at("state").text()) + ", at version "
                            + answer.at("instance_id").text());
        }
        return ExitCode.DONE;
    }

    /** The whole configuration that takes the place of {@code config}. */
    static Json changed(Json config, Given given) {
        Map<String, Json> next = new LinkedHashMap<>(config.map());
        given.option("--image").ifPresent(image -> next.put("image", Json.of(RunMachine.image(image))));
        Map<String, Json> guest = new LinkedHashMap<>(config.at("guest").map());
        given.number("--cpus", 1).ifPresent(n -> guest.put("cpus", Json.of(n)));
        given.number("--memory", 1).ifPresent(n -> guest.put("memory_mb", Json.of(n)));
        put(next, "guest", guest);
        Map<String, Json> env = new LinkedHashMap<>(config.at("env").map());
        RunMachine.pairs("-e", given.options("--env")).forEach((name, value) -> env.put(name, Json.of(value)));
        given.options("--unset").forEach(env::remove);
        put(next, "env", env);
        Map<String, Json> metadata = new LinkedHashMap<>(config.at("metadata").map());
        RunMachine.pairs("--metadata", given.options("--metadata"))
                .forEach((name, value) -> metadata.put(name, Json.of(value)));
        put(next, "metadata", metadata);
        if (!given.rest(1).isEmpty()) {
            Map<String, Json> init = new LinkedHashMap<>(config.at("init").map());
            init.put("cmd", Json.of(given.rest(1)));
            put(next, "init", init);
        }
        given.option("--restart").ifPresent(policy -> {
            Map<String, Json> restart = new LinkedHashMap<>(config.at("restart").map());
            restart.put("policy", Json.of(policy));
            put(next, "restart", restart);
        });
        services(config, given).ifPresent(services -> next.put("services", services));
        return new Json.Obj(next);
    }

    private static void put(Map<String, Json> into, String name, Map<String, Json> fields) {
        if (fields.isEmpty()) {
            into.remove(name);
        } else {
            into.put(name, new Json.Obj(fields));
        }
    }

    /** The first service with another port or another autostop, the others as they are; one is made where none is. */
    private static Optional<Json> services(Json config, Given given) {
        Optional<Integer> port = given.number("--port", 1);
        Optional<String> autostop = given.option("--autostop");
        if (port.isEmpty() && autostop.isEmpty()) {
            return Optional.empty();
        }
        List<Json> services = config.at("services").items();
        if (services.isEmpty()) {
            return Optional.of(RunMachine.service(
                    port.orElseThrow(() -> Rejected.because(
                            Rejected.Reason.INVALID,
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

    /** Waits until whatever the update does is over, and says so where it came to nothing. */
    private static Json settled(Session session, Found machine, String version, int seconds) {
        Json after = Lifecycle.await(session, session.daemon(), machine, "settled", seconds);
        if (!after.at("instance_id").text().equals(version)
                || after.at("state").text().equals("failed")) {
            throw new Failed(
                    "machine " + machine.name() + " is " + after.at("state").text() + ", and "
                            + (after.at("instance_id").text().equals(version)
                                    ? "at the new version"
                                    : "still at the version before: the update came to nothing")
                            + "; `allod machine show " + machine.name() + "` says why");
        }
        return after;
    }
}
