package org.allod.fsm;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.allod.base.Failed;
import org.allod.base.Timers;
import org.allod.store.Listener;
import org.jspecify.annotations.Nullable;

/**
 * One process's view of a {@link SimulatedDisk}. What is appended is first only <em>written</em>; after the delay all
 * that was written is <em>flushed</em> together, in order, and only then acknowledged. When the process dies
 * ({@link #kill}), what was not flushed is gone and nobody is told anything any more.
 */
public non-sealed class SimulatedStore extends EventStore {
    /** What happens to an append. */
    enum Fault {
        NONE,
        /** Refused before anything is written, as by a full disk. */
        REFUSED,
        /** The process dies before this is durable. */
        CRASH_BEFORE,
        /** The process dies when this is durable, and before anyone is told. */
        CRASH_AFTER
    }

    /** Draws the fault of each append. */
    @FunctionalInterface
    interface Faults {
        Fault of(Append append);
    }

    /** The simulated process has died; unwinds whatever of it is still on the stack. */
    static final class Crash extends Error {
        Crash() {
            super("the simulated process has died", null, false, false);
        }
    }

    private record Pending(Append append, Listener<Ref> listener) {}

    private final SimulatedDisk disk;
    private final Timers timers;
    /** Null where every append is flushed at once, on the caller's thread. */
    private final @Nullable Supplier<Duration> delay;

    private final Faults faults;
    private final Runnable onCrash;
    private final List<Pending> written = new ArrayList<>();
    private boolean flushing;
    private boolean dead;

    SimulatedStore(
            SimulatedDisk disk, Timers timers, @Nullable Supplier<Duration> delay, Faults faults, Runnable onCrash) {
        this.disk = disk;
        this.timers = timers;
        this.delay = delay;
        this.faults = faults;
        this.onCrash = onCrash;
    }

    /** A store without faults whose appends are durable when they return. */
    public static SimulatedStore immediate(SimulatedDisk disk, Timers timers) {
        return new SimulatedStore(disk, timers, null, append -> Fault.NONE, () -> {});
    }

    /** The process dies. */
    public void kill() {
        dead = true;
        written.clear();
    }

    @Override
    void append(Append append, Listener<Ref> listener) {
        if (dead) {
            throw new Crash();
        }
        if (delay == null) {
            flush(new Pending(append, listener));
            return;
        }
        written.add(new Pending(append, listener));
        flushLater(delay);
    }

    private void flushLater(Supplier<Duration> after) {
        if (!flushing && !written.isEmpty()) {
            flushing = true;
            timers.after(after.get(), () -> {
                List<Pending> batch = List.copyOf(written);
                written.clear();
                flushing = false;
                for (Pending p : batch) {
                    if (!dead) {
                        flush(p);
                    }
                }
                flushLater(after);
            });
        }
    }

    private void flush(Pending p) {
        switch (faults.of(p.append)) {
            case NONE -> p.listener.durable(disk.apply(p.append));
            case REFUSED -> p.listener.failed(new Failed("writing to the simulated disk: it is full"));
            case CRASH_BEFORE -> crash();
            case CRASH_AFTER -> {
                disk.apply(p.append);
                crash();
            }
        }
    }

    private void crash() {
        kill();
        onCrash.run();
        throw new Crash();
    }

    @Override
    List<Recovered> load() {
        return disk.load();
    }

    @Override
    Optional<Archived> ended(RunId id) {
        return disk.ended(id);
    }

    @Override
    List<Archived> ended(Optional<RunId> before, int limit) {
        return disk.ended(before, limit);
    }

    @Override
    List<HistoryEvent> history(RunId id, Ref active) {
        return disk.history(id);
    }

    @Override
    List<RunId> children(RunId parent) {
        return disk.children(parent);
    }

    @Override
    int prune(int keep, long olderThan, int most) {
        return disk.prune(keep, olderThan, most);
    }
}
