package org.allod.base;

import java.time.Instant;
import java.util.Optional;

/** The two times there are. Passed in, never read from the system by logic. */
public interface Clock {
    /** What the calendar says: for people and for other hosts. May jump either way. */
    Instant wall();

    /** Nanoseconds since some fixed moment of this process: for durations and deadlines. Never goes back. */
    long monoNanos();

    /**
     * The wall time, where it has been steady for long enough to delete things for their age; else nothing. The daemon's
     * clock watches for steps ({@link BelievedClock}); others are believed.
     */
    default Optional<Instant> believedWall() {
        return Optional.of(wall());
    }

    /** Wall time in milliseconds since the epoch. */
    default long wallMillis() {
        return wall().toEpochMilli();
    }
}
