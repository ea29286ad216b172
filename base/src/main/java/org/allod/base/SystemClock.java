package org.allod.base;

import java.time.Instant;

/** The machine's own clock. Built once, by the assembly, and handed down. */
public final class SystemClock implements Clock {
    @Override
    public Instant wall() {
        return Instant.now();
    }

    @Override
    public long monoNanos() {
        return System.nanoTime();
    }
}
