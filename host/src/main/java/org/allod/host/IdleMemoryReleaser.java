package org.allod.host;

import java.time.Duration;
import org.allod.base.Clock;
import org.allod.base.SupervisedTimer;
import org.allod.base.Timers;
import org.allod.observe.MetricsBuilder;
import org.allod.observe.MetricsSource;

/**
 * Gives memory back to the host after a storm, by {@link IdleMemoryPolicy}. Neither the collector nor the C library does
 * it by itself: a daemon with little to do never needs a full collection, and only that one makes the heap smaller
 * (docs/decisions/192). Buffers of the network go back in between, by a setting in launcher/caches.
 */
final class IdleMemoryReleaser implements MetricsSource, AutoCloseable {
    /** Between the collection and the rest: what was freed by it is freed on other threads, and then trimmed. */
    static final Duration SETTLE = Duration.ofMillis(500);

    /** What is looked at and acted on: the process's own memory. */
    interface Memory {
        /** Processor time the process has used. */
        Duration cpu();

        long heldBytes();

        /** Pauses everything for some tens of milliseconds. */
        void collect();

        void trim();
    }

    /** What was done since the daemon started. */
    private record Totals(long releases, long bytes, Duration pauses) {}

    private final Memory memory;
    private final Clock clock;
    private final Timers timers;
    private final Duration every;
    private final SupervisedTimer looks;
    private IdleMemoryPolicy.State state = IdleMemoryPolicy.State.FIRST;
    private Duration lastCpu = Duration.ZERO;
    private long lastLook;
    private volatile Totals totals = new Totals(0, 0, Duration.ZERO);

    /** @param every how often it looks; it acts at the second quiet look. Zero is never */
    IdleMemoryReleaser(Memory memory, Clock clock, Timers timers, Duration every) {
        this.memory = memory;
        this.clock = clock;
        this.timers = timers;
        this.every = every;
        this.looks = new SupervisedTimer("memory-release", timers, every, this::look);
    }

    void start() {
        if (every.isPositive()) {
            lastLook = clock.monoNanos();
            lastCpu = memory.cpu();
            SupervisedTimer _ = looks.start();
        }
    }

    private synchronized void look() {
        long now = clock.monoNanos();
        Duration cpu = memory.cpu();
        long held = memory.heldBytes();
        IdleMemoryPolicy.Step step = IdleMemoryPolicy.next(
                state, new IdleMemoryPolicy.Look(Duration.ofNanos(now - lastLook), cpu.minus(lastCpu), held));
        state = step.state();
        lastLook = now;
        lastCpu = cpu;
        if (step.release()) {
            // Counted from here on, also where the rest of it fails: not at every look again.
            state = IdleMemoryPolicy.released(held);
            long began = clock.monoNanos();
            memory.collect();
            Duration pause = Duration.ofNanos(clock.monoNanos() - began);
            Timers.Timer _ = timers.after(SETTLE, () -> settle(held, pause));
        }
    }

    private synchronized void settle(long before, Duration pause) {
        memory.trim();
        long left = memory.heldBytes();
        state = IdleMemoryPolicy.released(left);
        Totals was = totals;
        totals = new Totals(was.releases + 1, was.bytes + Math.max(0, before - left), was.pauses.plus(pause));
    }

    @Override
    public void close() {
        looks.close();
    }

    @Override
    public void collect(MetricsBuilder into) {
        Totals now = totals;
        into.counter("allod_memory_releases", "How often the idle daemon gave memory back.", now.releases);
        into.counter("allod_memory_released_bytes", "Memory that the idle daemon gave back.", now.bytes);
        into.counter(
                "allod_memory_release_pause_seconds",
                "How long the daemon stood still for that.",
                now.pauses.toNanos() / 1e9);
    }
}
