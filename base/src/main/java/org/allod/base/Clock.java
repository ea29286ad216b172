package org.allod.base;

import java.time.Instant;

/** The two times there are. Passed in, never read from the system by logic. */
public interface Clock {
    /** What the calendar says: for people and for other hosts. May jump either way. */
    Instant wall();

    /** Nanoseconds since some fixed moment of this process: for durations and deadlines. Never goes back. */
    long monoNanos();

    /** Wall time in milliseconds since the epoch. */
    default long wallMillis() {
        return wall().toEpochMilli();
    }
}
