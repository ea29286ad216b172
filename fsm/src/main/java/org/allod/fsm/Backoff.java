package org.allod.fsm;

import java.time.Duration;
import org.allod.base.Rng;

/**
 * How long to wait before the next attempt: doubling from {@code first} to {@code most}. Each wait is drawn from the
 * upper half of its range, so that runs which failed together do not retry together.
 */
public record Backoff(Duration first, Duration most) {
    /** The wait after a failed attempt, counted from 1. */
    Duration after(int attempt, Rng rng) {
        // 30 doublings of a millisecond are 12 days: beyond any sensible bound, and far from overflow.
        long nanos = first.toNanos() << Math.min(attempt - 1, 30);
        long bounded = nanos <= 0 ? most.toNanos() : Math.min(nanos, most.toNanos());
        return Duration.ofNanos(bounded / 2 + rng.nextLong(bounded / 2 + 1));
    }
}
