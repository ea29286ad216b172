package org.allod.base;

import java.time.Duration;
import java.util.function.BooleanSupplier;

/**
 * Polls for what nothing announces: a control group that becomes empty, a socket that appears. It uses real time, so it
 * is for code that talks to the kernel, never for logic that a simulation runs.
 */
public final class Poll {
    private Poll() {}

    /**
     * Polls every {@code every} until {@code done} returns true.
     *
     * @throws FailedException if {@code bound} passes: "{@code what} did not happen within …"
     */
    public static void until(Duration bound, Duration every, String what, BooleanSupplier done) {
        if (!within(bound, every, done)) {
            throw new FailedException(what + " did not happen within " + bound.toMillis() + " ms");
        }
    }

    /** Polls every {@code every} until {@code done} returns true; false if {@code bound} passes first. */
    public static boolean within(Duration bound, Duration every, BooleanSupplier done) {
        long end = System.nanoTime() + bound.toNanos();
        while (!done.getAsBoolean()) {
            if (System.nanoTime() - end > 0) {
                return false;
            }
            try {
                Thread.sleep(every);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new FailedException("interrupted while waiting", e);
            }
        }
        return true;
    }
}
