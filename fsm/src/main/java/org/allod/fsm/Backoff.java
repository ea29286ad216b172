package org.allod.fsm;

import java.time.Duration;
import org.allod.base.Rng;

/**
 * How long to wait before trying again: doubling from {@code first} to {@code most}, each drawn from the upper half of
 * its range so that runs which failed together do not come back together.
 */
public record Backoff(Duration first, Duration most) {
    /** The wait after the given failed attempt, the first being 1. */
    Duration after(int attempt, Rng rng) {
        // 30 doublings of a millisecond are 12 days: beyond any sensible bound, and far from overflow.
        long nanos = first.toNanos() << Math.min(attempt - 1, 30);
        long bounded = nanos <= 0 ? most.toNanos() : Math.min(nanos, most.toNanos());
        return Duration.ofNanos(bounded / 2 + rng.nextLong(bounded / 2 + 1));
    }
}
