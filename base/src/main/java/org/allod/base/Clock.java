package org.allod.base;

import java.time.Instant;
import java.util.Optional;

/** Wall time and monotonic time. Logic gets a clock passed in and never reads the system's. */
public interface Clock {
    /** The calendar's time, for people and for other hosts. It may jump in either direction. */
    Instant wall();

    /** Nanoseconds since a fixed moment of this process, for durations and deadlines. It never goes back. */
    long monoNanos();

    /**
     * The wall time if it has been steady long enough to delete things for their age; otherwise empty. The daemon's
     * clock detects steps ({@link BelievedClock}); other clocks are always believed.
     */
    default Optional<Instant> believedWall() {
        return Optional.of(wall());
    }

    /** Wall time in milliseconds since the epoch. */
    default long wallMillis() {
        return wall().toEpochMilli();
    }
}
