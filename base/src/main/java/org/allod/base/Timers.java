package org.allod.base;

import java.time.Duration;

/**
 * Things to be done later. The real one is {@link SystemTimers}; a simulation brings its own, on its own clock.
 */
public interface Timers {
    /**
     * Runs {@code task} once, {@code delay} from now, on a thread of the implementation's choosing. The task must be
     * short; longer work starts a thread of its own.
     */
    Timer after(Duration delay, Runnable task);

    /** A scheduled task that can be taken back. */
    interface Timer {
        /** Takes the task back; without effect if it has run or is running. */
        void cancel();
    }
}
