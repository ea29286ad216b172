package org.allod.cli;

import java.time.Duration;
import java.util.Set;
import org.allod.base.FailedException;

/** Changes a machine's state and waits for the result. */
final class StateCommands {
    /** Maximum wait of one request, so that a dead daemon is noticed; longer waits use several requests. */
    private static final int WAIT_SECONDS = 20;

    private static final Set<String> ENDED = Set.of("failed", "destroyed", "replaced");
    private static final Set<String> LASTING =
            Set.of("created", "started", "stopped", "failed", "destroyed", "replaced");

    private StateCommands() {}

    /**
     * Waits until the machine is in this state; fails at once if it can no longer reach it.
     *
     * @return the machine
     */
    static Json await(CommandContext context, DaemonClient daemon, MachineRef machine, String state, int seconds) {
        long end = context.clock().monoNanos() + Duration.ofSeconds(seconds).toNanos();
        while (true) {
            long left = Math.max(1, (end - context.clock().monoNanos()) / 1_000_000_000);
            long wait = Math.min(left, WAIT_SECONDS);
            String now = "";
            try {
                now = daemon.call(
                                "GET",
                                machine.path() + "/wait?state=" + orInVain(state) + "&timeout=" + wait,
                                Json.none(),
                                Duration.ofSeconds(wait + 10))
                        .at("state")
                        .text();
            } catch (ApiError e) {
                if (e.http() == 404 && state.equals("destroyed")) {
                    return Json.obj("id", machine.id(), "state", "destroyed");
                }
                if (e.http() != 408) {
                    throw e;
                }
            }
            Json there = daemon.get(machine.path());
            if (now.equals(state) || (!now.isEmpty() && state.equals("settled"))) {
                return there;
            }
            now = there.at("state").text();
            if (inVain(state, now)) {
                throw new FailedException("machine " + machine.name() + " is " + now + ", not " + state
                        + MachineView.why(there)
                        + "; `allod machine logs " + machine.name() + "` and `allod machine show " + machine.name()
                        + "` say more");
            }
            if (context.clock().monoNanos() >= end) {
                throw new FailedException("machine " + machine.name() + " is still " + now + " after " + seconds
                        + " s, not " + state + "; it goes on: `allod fsm list --subject " + machine.id()
                        + "` shows with what");
            }
        }
    }

    /** The awaited state, followed by those that rule it out. */
    private static String orInVain(String state) {
        return switch (state) {
            // A failed machine stays so until its destruction begins; for "settled" any end counts.
            case "destroyed", "settled" -> state;
            // A guest that cannot be saved continues to run, or is stopped.
            case "suspended" -> state + ",settled";
            default -> state + ",failed";
        };
    }

    private static boolean inVain(String state, String now) {
        return switch (state) {
            case "destroyed", "settled" -> false;
            case "suspended" -> !now.equals(state) && LASTING.contains(now);
            default -> ENDED.contains(now) && !now.equals(state);
        };
    }

    /**
     * Waits until a destroy has been carried out; it is acknowledged earlier, as soon as it cannot be prevented any
     * more.
     */
    static void awaitGone(CommandContext context, DaemonClient daemon, MachineRef machine, int seconds) {
        context.console().progress("destroying " + machine.name(), "");
        await(context, daemon, machine, "destroyed", seconds);
    }

    static void destroy(DaemonClient daemon, MachineRef machine, boolean force) {
        daemon.call("DELETE", machine.path() + (force ? "?force=true" : ""), Json.none(), Duration.ofMinutes(2));
    }
}
