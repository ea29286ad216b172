package org.allod.base;

import java.time.Duration;
import java.time.Instant;

/** The machine's own clock. Built once, by the assembly, and handed down. */
public final class SystemClock implements Clock {
    /**
     * Seconds by which the calendar is to be off: how a test sets the clock of a whole daemon without touching that of
     * the host it runs on.
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
