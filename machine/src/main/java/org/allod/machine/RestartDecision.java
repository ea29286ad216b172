package org.allod.machine;

import java.time.Duration;
import org.allod.runtime.ExitStatus;

/** What happens to a machine whose main process ended by itself. */
public sealed interface RestartDecision {
    /** Started again, after a pause. */
    record Restart(Duration after) implements RestartDecision {}

    /** Left stopped. */
    record Stop() implements RestartDecision {}

    /** Left as failed: it was to be restarted, and has been too often. */
    record GiveUp() implements RestartDecision {}

    /** Destroyed, as {@code auto_destroy} asks. */
    record Destroy() implements RestartDecision {}

    /** The pause doubles from this with each restart in a row … */
    Duration FIRST_PAUSE = Duration.ofMillis(200);

    /** … up to this, so that a machine that cannot run costs the host little. */
    Duration LONGEST_PAUSE = Duration.ofSeconds(30);

    /**
     * Decides, from how it ended and how often it has been restarted in a row.
     *
     * @param restarts how many times in a row it has been restarted without running well for a while
     */
    static RestartDecision decide(MachineConfig config, ExitStatus exit, int restarts) {
        boolean wanted = switch (config.restart().policy()) {
            case NO -> false;
            case ALWAYS -> true;
            case ON_FAILURE -> exit.code() != 0;
        };
        if (!wanted) {
            return config.autoDestroy() ? new Destroy() : new Stop();
        }
        boolean bounded = config.restart().policy() == MachineConfig.Restart.Policy.ON_FAILURE;
        if (bounded && restarts >= config.restart().maxRetries()) {
            return config.autoDestroy() ? new Destroy() : new GiveUp();
        }
        if (restarts == 0) {
            return new Restart(Duration.ZERO);
        }
        long pause = FIRST_PAUSE.toMillis() << Math.min(restarts - 1, 20);
        return new Restart(Duration.ofMillis(Math.min(pause, LONGEST_PAUSE.toMillis())));
    }
}
