package org.allod.base;

import java.time.Duration;

/**
 * How long to wait after a number of failures in a row: doubled each time up to a bound, and drawn from the upper half
 * of that, so that loops which failed together do not retry together. Not thread-safe.
 */
public final class RetryBackoff {
    private static final Duration FIRST = Duration.ofMillis(100);
    private static final Duration MOST = Duration.ofSeconds(10);

    private final Rng jitter;
    private int failures;

    public RetryBackoff(Rng jitter) {
        this.jitter = jitter;
    }

    /** Call after a success: the next failure counts as the first. */
    public void reset() {
        failures = 0;
    }

    /** Call after a failure: returns how long to wait. */
    public Duration next() {
        long most = Math.min(MOST.toNanos(), FIRST.toNanos() << Math.min(failures, 20));
        failures++;
        return Duration.ofNanos(most / 2 + jitter.nextLong(most / 2));
    }
}
