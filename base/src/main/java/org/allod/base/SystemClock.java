package org.allod.base;

import java.time.Duration;
import java.time.Instant;

/** The host's own clock. Built once when the process is assembled, and passed to everything that needs the time. */
public final class SystemClock implements Clock {
    /**
     * The system property with the number of seconds by which the calendar is shifted. With it a test sets the clock of
     * a whole daemon without touching that of the host.
     */
    public static final String SHIFT = "allod.clock.shift";

    private final Duration shift = Duration.ofSeconds(Long.getLong(SHIFT, 0));

    @Override
    public Instant wall() {
        return Instant.now().plus(shift);
    }

    @Override
    public long monoNanos() {
        return System.nanoTime();
    }
}
