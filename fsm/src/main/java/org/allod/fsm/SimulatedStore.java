package org.allod.fsm;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.allod.base.FailedException;
import org.allod.base.Timers;
import org.allod.store.WriteCallback;
import org.jspecify.annotations.Nullable;

/**
 * One process's view of a {@link SimulatedEventDisk}. An append is first only <em>written</em>; after the delay all
 * that was written is <em>flushed</em> together, in order, and only then acknowledged. When the process dies ({@link
 * #kill}), what was not flushed is lost, and nothing is acknowledged any more.
 */
public non-sealed class SimulatedStore extends EventStore {
    /** What happens to an append. */
    enum Fault {
        NONE,
        /** The append fails before anything is written, as on a full disk. */
        REFUSED,
        /** The process dies before this is durable. */
        CRASH_BEFORE,
        /** The process dies once this is durable and before it is acknowledged. */
        CRASH_AFTER
    }

    /** Draws the fault of each append. */
    @FunctionalInterface
    interface Faults {
        Fault of(LogAppend append);
    }

    /** Thrown when the simulated process dies, to unwind its stack. */
    static final class Crash extends Error {
        Crash() {
            super("the simulated process has died", null, false, false);
        }
    }

    private record Pending(LogAppend append, WriteCallback<LogPosition> callback) {}

    private final SimulatedEventDisk disk;
    private final Timers timers;
    /** Null if every append is flushed at once, on the caller's thread. */
    private final @Nullable Supplier<Duration> delay;

    private final Faults faults;
    private final Runnable onCrash;
    private final List<Pending> written = new ArrayList<>();
    private boolean flushing;
    private boolean dead;

    SimulatedStore(
            SimulatedEventDisk disk,
            Timers timers,
            @Nullable Supplier<Duration> delay,
            Faults faults,
            Runnable onCrash) {
        this.disk = disk;
        this.timers = timers;
        this.delay = delay;
        this.faults = faults;
        this.onCrash = onCrash;
    }

    /** A store without faults whose appends are durable when they return. */
    public static SimulatedStore immediate(SimulatedEventDisk disk, Timers timers) {
        return new SimulatedStore(disk, timers, null, append -> Fault.NONE, () -> {});
    }

    /** Lets the process die. */
    public void kill() {
        dead = true;
        written.clear();
    }

    @Override
    void append(LogAppend append, WriteCallback<LogPosition> callback) {
        if (dead) {
            throw new Crash();
        }
        if (delay == null) {
            flush(new Pending(append, callback));
            return;
        }
        written.add(new Pending(append, callback));
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
            case NONE -> p.callback.durable(disk.apply(p.append));
            case REFUSED -> p.callback.failed(new FailedException("writing to the simulated disk: it is full"));
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
    List<ActiveRunRecord> load() {
        return disk.load();
    }

    @Override
    Optional<EndedRunRecord> ended(RunId id) {
        return disk.ended(id);
    }

    @Override
    List<EndedRunRecord> ended(Optional<RunId> before, int limit) {
        return disk.ended(before, limit);
    }

    @Override
    List<HistoryEvent> history(RunId id, LogPosition active) {
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
