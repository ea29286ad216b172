package org.allod.cli;

import java.time.Duration;
import java.util.Set;
import org.allod.base.Failed;

/** What makes a machine change its state, and the waiting for it. */
final class Lifecycle {
    /** One request waits at most this long, so that a dead daemon is noticed; longer waits are several requests. */
    private static final int WAIT_SECONDS = 20;

    private static final Set<String> ENDED = Set.of("failed", "destroyed", "replaced");

    private Lifecycle() {}

    /**
     * Waits until the machine is in this state, and fails at once where it can no longer get there.
     *
     * @return the machine
     */
    static Json await(Session session, Daemon daemon, Found machine, String state, int seconds) {
        long end = session.clock().monoNanos() + Duration.ofSeconds(seconds).toNanos();
        while (true) {
            long left = Math.max(1, (end - session.clock().monoNanos()) / 1_000_000_000);
            long wait = Math.min(left, WAIT_SECONDS);
            try {
                daemon.call(
                        "GET",
                        machine.path() + "/wait?state=" + state + "&timeout=" + wait,
                        Json.none(),
                        Duration.ofSeconds(wait + 10));
                return daemon.get(machine.path());
            } catch (ApiError e) {
                if (e.http() == 404 && state.equals("destroyed")) {
                    return Json.obj("id", machine.id(), "state", "destroyed");
                }
                if (e.http() != 408) {
                    throw e;
                }
            }
            String now = daemon.get(machine.path()).at("state").text();
            // One that had failed is so until its destruction begins; that it was to settle, any end is.
            if (ENDED.contains(now) && !now.equals(state) && !state.equals("destroyed") && !state.equals("settled")) {
                throw new Failed(
                        "machine " + machine.name() + " is " + now + ", not " + state + "; `allod machine logs "
                                + machine.name() + "` and `allod machine show " + machine.name() + "` say why");
            }
            if (session.clock().monoNanos() >= end) {
                throw new Failed("machine " + machine.name() + " is still " + now + " after " + seconds
                        + " s, not " + state + "; it goes on: `allod fsm list --subject " + machine.id()
                        + "` shows with what");
            }
        }
    }

    /** A destroy is acknowledged as soon as nothing can prevent it any more; this waits until it has been carried out. */
    static void awaitGone(Session session, Daemon daemon, Found machine, int seconds) {
        session.screen().progress("destroying " + machine.name(), "");
        await(session, daemon, machine, "destroyed", seconds);
    }

    static void destroy(Daemon daemon, Found machine, boolean force) {
        daemon.call("DELETE", machine.path() + (force ? "?force=true" : ""), Json.none(), Duration.ofMinutes(2));
    }
}
