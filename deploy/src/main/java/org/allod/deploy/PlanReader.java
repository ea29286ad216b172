package org.allod.deploy;

import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.allod.base.RejectedException;
import org.allod.machine.ConfigReader;
import org.allod.machine.MachineConfig;
import org.allod.machine.StrictJsonReader;
import tools.jackson.databind.JsonNode;

/** Reads the body of a request for a deploy. It refuses what cannot work before any machine is changed. */
final class PlanReader {
    static final Duration USUAL_WAIT = Duration.ofMinutes(2);
    private static final Duration USUAL_RELEASE = Duration.ofMinutes(5);
    static final double USUAL_UNAVAILABLE = 0.33;
    private static final Duration LONGEST_WAIT = Duration.ofHours(1);
    private static final int MAX_GROUPS = 20;

    private PlanReader() {}

    static Plan read(StrictJsonReader in) {
        Strategy strategy = in.string("strategy")
                .map(word -> Strategy.parse(word)
                        .orElseThrow(() -> RejectedException.invalid("%s is \"%s\": allowed are %s"
                                .formatted(in.path("strategy"), word, String.join(", ", Strategy.words())))))
                .orElse(Strategy.ROLLING);
        double unavailable = unavailable(in);
        Duration wait = in.duration("wait_timeout", LONGEST_WAIT).orElse(USUAL_WAIT);
        if (wait.toSeconds() < 1) {
            throw RejectedException.invalid(
                    in.path("wait_timeout") + " is shorter than a second: nothing starts in no time");
        }
        List<Plan.Group> groups = in.objects("groups", PlanReader::group);
        Optional<Plan.Release> release = in.object("release").map(PlanReader::release);
        in.done();
        if (groups.isEmpty() || groups.size() > MAX_GROUPS) {
            throw RejectedException.invalid(
                    "%s has %d entries: 1 to %d are allowed".formatted(in.path("groups"), groups.size(), MAX_GROUPS));
        }
        Set<String> names = new HashSet<>();
        for (Plan.Group group : groups) {
            if (!names.add(group.name())) {
                throw RejectedException.invalid("%s names \"%s\" twice".formatted(in.path("groups"), group.name()));
            }
            boolean disk = strategy == Strategy.BLUE_GREEN || strategy == Strategy.CANARY;
            if (disk && !group.config().path("mounts").isEmpty()) {
                throw RejectedException.because(
                        RejectedException.Reason.UNSUPPORTED,
                        "%s with group \"%s\", which mounts a volume: a volume belongs to one machine at a time"
                                .formatted(strategy.wire(), group.name()),
                        "use strategy rolling or immediate");
            }
        }
        if (release.isPresent() && groups.getFirst().config().has("containers")) {
            throw RejectedException.because(
                    RejectedException.Reason.UNSUPPORTED,
                    in.path("release") + ": the first group runs containers, and which of them it is for is not said",
                    "run the command by itself before the deploy");
        }
        return new Plan(strategy, unavailable, wait, groups, release, false);
    }

    private static Plan.Release release(StrictJsonReader in) {
        List<String> command = in.strings("command");
        Duration timeout = in.duration("timeout", LONGEST_WAIT).orElse(USUAL_RELEASE);
        in.done();
        if (command.isEmpty()) {
            throw RejectedException.invalid(
                    in.path("command") + " is empty: it is the program to run and its arguments");
        }
        if (timeout.toSeconds() < 1) {
            throw RejectedException.invalid(
                    in.path("timeout") + " is shorter than a second: nothing is done in no time");
        }
        return new Plan.Release(command, timeout);
    }

    private static double unavailable(StrictJsonReader in) {
        in.skip("max_unavailable");
        JsonNode value = in.json().path("max_unavailable");
        if (value.isMissingNode() || value.isNull()) {
            return USUAL_UNAVAILABLE;
        }
        double many = value.isNumber() ? value.doubleValue() : -1;
        if (many > 0 && (many < 1 || (many == Math.rint(many) && many <= Plan.MAX_MACHINES))) {
            return many;
        }
        throw RejectedException.invalid(
                "%s is %s: it must be a whole number of machines from 1, or a part of them such as 0.33"
                        .formatted(in.path("max_unavailable"), value));
    }

    private static Plan.Group group(StrictJsonReader in) {
        String name = in.string("name")
                .filter(n -> n.matches("[a-z0-9]([a-z0-9_-]{0,29}[a-z0-9])?"))
                .orElseThrow(() -> RejectedException.invalid(in.path("name")
                        + " must be the name of a process group: 1 to 31 small letters, digits, - and _"));
        Optional<Integer> count = in.integer("count", 0, Plan.MAX_MACHINES);
        StrictJsonReader config = in.object("config")
                .orElseThrow(() ->
                        RejectedException.invalid(in.path("config") + " is missing: the machines' configuration"));
        MachineConfig read = ConfigReader.read(config);
        if (read.autoDestroy()) {
            throw RejectedException.because(
                    RejectedException.Reason.UNSUPPORTED,
                    config.path("auto_destroy") + ": a machine that destroys itself cannot be deployed",
                    "run it with `allod machine run --rm`");
        }
        return new Plan.Group(name, count, read.json());
    }
}
