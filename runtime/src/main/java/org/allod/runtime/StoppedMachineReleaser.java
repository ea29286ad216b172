package org.allod.runtime;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.allod.base.Clock;
import org.allod.base.MachineId;
import org.allod.base.SupervisedThread;
import org.allod.base.Timers;

/**
 * Releases the kernel resources of stopped machines: a network namespace with its devices and a control group take up
 * to half a megabyte each, and no host could hold them for 100,000 machines. They are kept for {@link #AFTER}, and
 * always for the last {@link #HELD} machines that stopped, because a start with them is some milliseconds faster; the
 * next start of any other machine recreates them.
 *
 * <p>While a machine is being released, no other operation may run on it: each operation holds {@link #using}, any
 * number at once, and a machine in use is skipped until the next check. Safe for any thread.
 */
final class StoppedMachineReleaser implements AutoCloseable {
    static final Duration AFTER = Duration.ofMinutes(10);
    static final int HELD = 128;

    private static final System.Logger LOG = System.getLogger(StoppedMachineReleaser.class.getName());
    private static final Duration LOOK = Duration.ofSeconds(30);
    /** Number of locks for all machines: a start shares one with the release of one machine in 256. */
    private static final int STRIPES = 256;

    /** Releases one machine; no effect if its guest runs. */
    interface Release {
        void release(MachineId machine);
    }

    private record Stopped(long at, Release release) {}

    private final Clock clock;
    private final Timers timers;
    private final ReadWriteLock[] stripes = new ReadWriteLock[STRIPES];
    private final Map<MachineId, Stopped> stopped = new LinkedHashMap<>();
    private boolean waiting;
    private boolean closed;

    StoppedMachineReleaser(Clock clock, Timers timers) {
        this.clock = clock;
        this.timers = timers;
        for (int i = 0; i < STRIPES; i++) {
            stripes[i] = new ReentrantReadWriteLock();
        }
    }

    private ReadWriteLock stripe(MachineId machine) {
        return stripes[Math.floorMod(machine.hashCode() * 0x9e3779b9, STRIPES)];
    }

    /** Held for the duration of any operation on a machine. */
    Lock using(MachineId machine) {
        return stripe(machine).readLock();
    }

    /** The machine holds what a start needs, and its guest does not run. */
    void stopped(MachineId machine, Release release) {
        boolean many;
        synchronized (this) {
            stopped.remove(machine); // moves it to the end
            stopped.put(machine, new Stopped(clock.monoNanos(), release));
            many = stopped.size() > HELD;
        }
        if (many) {
            Thread _ = SupervisedThread.start("release-stopped", this::look);
        }
        again();
    }

    /** The machine is about to run, or is being removed. */
    synchronized void taken(MachineId machine) {
        stopped.remove(machine);
    }

    private synchronized void again() {
        if (!waiting && !closed && !stopped.isEmpty()) {
            waiting = true;
            var _ = timers.after(LOOK, () -> {
                synchronized (this) {
                    waiting = false;
                }
                SupervisedThread.run("release-stopped", this::look);
                again();
            });
        }
    }

    private synchronized List<MachineId> due() {
        List<MachineId> due = new ArrayList<>();
        long now = clock.monoNanos();
        int left = stopped.size();
        for (Map.Entry<MachineId, Stopped> entry : stopped.entrySet()) { // longest stopped first
            if (left <= HELD && now - entry.getValue().at() < AFTER.toNanos()) {
                break;
            }
            due.add(entry.getKey());
            left--;
        }
        return due;
    }

    /** Releases whatever is due. */
    void look() {
        for (MachineId machine : due()) {
            Lock alone = stripe(machine).writeLock();
            Stopped what = null;
            if (!alone.tryLock()) {
                continue; // in use, or shares its lock with one that is
            }
            try {
                synchronized (this) {
                    what = closed ? null : stopped.remove(machine);
                }
                if (what != null) {
                    what.release().release(machine);
                }
            } catch (RuntimeException e) {
                LOG.log(System.Logger.Level.WARNING, "what machine " + machine + " held was not released yet", e);
                if (what != null) {
                    later(machine, what.release());
                }
            } finally {
                alone.unlock();
            }
        }
    }

    /** Has it tried again after as long as at first, unless the machine is used by then. */
    private synchronized void later(MachineId machine, Release release) {
        if (!closed) {
            stopped.putIfAbsent(machine, new Stopped(clock.monoNanos(), release));
            again();
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
        stopped.clear();
    }
}
