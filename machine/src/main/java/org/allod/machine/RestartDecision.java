package org.allod.machine;

import java.time.Duration;
import org.allod.runtime.ExitStatus;

/** What happens to a machine whose main process ended without having been asked to. */
public sealed interface RestartDecision {
    /** It is started again after a pause. */
    record Restart(Duration after) implements RestartDecision {}

    /** It stays stopped. */
    record Stop() implements RestartDecision {}

    /** It becomes failed, because it has been restarted too often in a row. */
    record GiveUp() implements RestartDecision {}

    /** It is destroyed, as {@code auto_destroy} asks. */
    record Destroy() implements RestartDecision {}

    /** The pause before the first restart; it doubles with each restart in a row … */
    Duration FIRST_PAUSE = Duration.ofMillis(200);

    /** … up to this bound, so that a machine that cannot run costs the host little. */
    Duration LONGEST_PAUSE = Duration.ofSeconds(30);

    /**
     * Decides by the exit status and the number of restarts in a row.
     *
     * @param restarts how often it has been restarted in a row without running for a minute in between
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
