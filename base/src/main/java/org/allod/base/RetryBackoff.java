package org.allod.base;

import java.time.Duration;

/**
 * How long to wait after so many failures in a row: doubled each time up to a bound, and spread over its upper half so
 * that loops which failed together do not try again together. Not safe for several threads.
 */
public final class RetryBackoff {
    private static final Duration FIRST = Duration.ofMillis(100);
    private static final Duration MOST = Duration.ofSeconds(10);

    private final Rng jitter;
    private int failures;

    public RetryBackoff(Rng jitter) {
        this.jitter = jitter;
    }

    /** It worked: the next failure counts as the first. */
    public void reset() {
        failures = 0;
    }

    /** It failed: how long to wait. */
    public Duration next() {
        long most = Math.min(MOST.toNanos(), FIRST.toNanos() << Math.min(failures, 20));
        failures++;
        return Duration.ofNanos(most / 2 + jitter.nextLong(most / 2));
    }
}
