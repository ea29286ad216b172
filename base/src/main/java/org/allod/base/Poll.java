package org.allod.base;

import java.time.Duration;
import java.util.function.BooleanSupplier;

/**
 * Waiting for what nobody announces: a control group that empties, a socket that appears. In real time; for the edges
 * of the house that face the kernel, never for logic.
 */
public final class Poll {
    private Poll() {}

    /**
     * Looks every {@code every} until {@code done} says so.
     *
     * @throws FailedException where {@code bound} has passed: "{@code what} did not happen within …"
     */
    public static void until(Duration bound, Duration every, String what, BooleanSupplier done) {
        if (!within(bound, every, done)) {
            throw new FailedException(what + " did not happen within " + bound.toMillis() + " ms");
        }
    }

    /** Looks every {@code every} until {@code done} says so; false where {@code bound} passed first. */
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
