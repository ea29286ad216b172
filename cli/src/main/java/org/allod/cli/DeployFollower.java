package org.allod.cli;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.allod.base.FailedException;

/**
 * Follows a deploy until it ends. The daemon carries it out: if the connection breaks because the daemon is restarted,
 * the follower reconnects; if this command is ended, the deploy continues.
 */
final class DeployFollower {
    /** The time allowed for a daemon's restart, which takes far less. */
    private static final Duration BACK = Duration.ofSeconds(60);

    private static final Duration BETWEEN = Duration.ofMillis(300);

    private final CommandContext context;
    private final DaemonClient daemon;
    private final String target;
    private Json last;
    private final Map<String, String> phases = new HashMap<>();

    private DeployFollower(CommandContext context, DaemonClient daemon, String app, Json begun) {
        this.context = context;
        this.daemon = daemon;
        this.target = DeployCommands.path(app) + "/" + begun.at("id").text();
        this.last = begun;
    }

    /**
     * Starts the deploy, follows it and reports the result.
     *
     * @param begin requests the deploy; if the command is ended during the request, it is unknown whether the deploy
     *     has begun
     * @param ours whether this command started it, so that ending the command may be meant to cancel the deploy
     */
    static int follow(CommandContext context, DaemonClient daemon, String app, Supplier<Json> begin, boolean ours) {
        DeployInterrupt interrupt = new DeployInterrupt(context, daemon, app, ours);
        Json end;
        try (ShutdownHook _ = ShutdownHook.doing(interrupt)) {
            Json begun = begin.get();
            DeployFollower follower = new DeployFollower(context, daemon, app, begun);
            interrupt.onStarted(follower.target);
            if (!context.json()) {
                context.console()
                        .note(DeployCommands.title(begun) + " ("
                                + begun.at("id").text() + "), "
                                + begun.at("strategy").text());
            }
            end = follower.untilOver();
        }
        return ended(context, daemon, app, end);
    }

    /** Follows and prints only the machines' lines; returns the deploy's final state. */
    static Json watch(CommandContext context, DaemonClient daemon, String app, Json begun) {
        return new DeployFollower(context, daemon, app, begun).untilOver();
    }

    private static int ended(CommandContext context, DaemonClient daemon, String app, Json end) {
        String status = end.at("status").text();
        boolean done = status.equals("done");
        if (context.json()) {
            context.print(end);
            return done ? ExitCode.DONE : ExitCode.FAILED;
        }
        if (!done) {
            String stuck = status.equals("failed")
                    ? "; and could not be brought back: " + stuck(end)
                    : ", every machine is what it was before";
            throw new FailedException(DeployCommands.title(end) + " was rolled back" + stuck + ": "
                    + end.at("why").text("no reason was given"));
        }
        long serving = DeployCommands.serving(end);
        context.console()
                .line(DeployCommands.title(end) + " is done: " + serving + (serving == 1 ? " machine" : " machines")
                        + " at the new version");
        String left = stuck(end);
        if (!left.isEmpty()) {
            context.console().note("allod: left behind: " + left);
        }
        Optional<String> url = DeployCommands.url(daemon, app);
        url.ifPresent(text -> context.console().line(context.console().bold(text)));
        return ExitCode.DONE;
    }

    private static String stuck(Json end) {
        return String.join(
                ", ",
                end.at("machines").items().stream()
                        .filter(m -> m.at("phase").text().equals("stuck"))
                        .map(m -> m.at("name").text() + " (" + m.at("note").text() + ")")
                        .toList());
    }

    private Json untilOver() {
        long lost = -1;
        while (true) {
            String broken;
            try {
                daemon.stream("GET", target + "/watch", Json.none(), this::seen);
                if (over()) {
                    return last;
                }
                broken = "the daemon ended its answer before the deploy was over";
            } catch (DaemonUnreachableException | FailedException e) {
                broken = String.valueOf(e.getMessage());
            }
            long now = context.clock().monoNanos();
            if (lost < 0) {
                lost = now;
                context.console().note("  the daemon is away; the deploy goes on once it is back");
            } else if (now - lost > BACK.toNanos()) {
                throw new FailedException("lost the connection while following " + DeployCommands.title(last) + ": "
                        + broken + "; the deploy goes on, or back, once the daemon runs: `allod deploy show -f`");
            }
            context.pause(BETWEEN);
            lost = back(lost);
        }
    }

    /** The daemon answers again. */
    private long back(long lost) {
        try {
            seen(daemon.get(target));
            return -1;
        } catch (DaemonUnreachableException | FailedException e) {
            return lost;
        }
    }

    private boolean over() {
        return !last.at("ended_at").isNull();
    }

    /** Prints what is new in a state of the deploy. */
    private void seen(Json deploy) {
        if (!deploy.at("error").isNull()) {
            throw new ApiError((int) deploy.at("http").number(500), deploy);
        }
        Json before = last;
        last = deploy;
        if (context.json()) {
            return;
        }
        String status = deploy.at("status").text();
        if (status.equals("rolling_back") && !before.at("status").text().equals(status)) {
            context.console().note("  going back: " + deploy.at("why").text());
        }
        for (Json machine : deploy.at("machines").items()) {
            String name = machine.at("name").text();
            String phase = machine.at("phase").text();
            if (!phase.equals(phases.put(name, phase)) && !phase.equals("idle")) {
                context.console().note("  " + name + "  " + words(machine));
            }
        }
    }

    private static String words(Json machine) {
        boolean made = machine.at("role").text().equals("fresh")
                || machine.at("role").text().equals("canary");
        return switch (machine.at("phase").text()) {
            case "changing" -> made ? "is being made" : "is being updated";
            case "verifying" -> "has started and must pass its checks";
            case "stopping" -> "passed, and is stopped again as before";
            case "ready" -> "waits for the others";
            case "uncordoning" -> "is being put into traffic";
            case "serving" -> "is at the new version";
            case "cordoning" -> "is being taken out of traffic";
            case "closed" -> "is out of traffic";
            case "removing" -> "is being destroyed";
            case "gone" -> "is gone";
            case "restoring" -> "goes back";
            case "restored" -> "is what it was before";
            case "stuck" -> "is stuck: " + machine.at("note").text();
            default -> machine.at("phase").text();
        };
    }
}
