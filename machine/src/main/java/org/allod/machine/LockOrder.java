package org.allod.machine;

import java.util.ArrayDeque;
import java.util.concurrent.locks.Lock;
import org.allod.base.Bug;

/**
 * The order in which this room takes its locks: from an app's down to a volume's, as {@link Rank} lists them. A thread
 * that holds one takes only later ones, so no two threads wait for each other. Code that violates the order throws a
 * {@link Bug} at once, in tests and in production, instead of causing a rare deadlock.
 *
 * <p>No thread waits for a guest, a run or the network while it holds one of them.
 */
final class LockOrder {
    enum Rank {
        /** {@link AppDeletionLock}: shared while something is created in an app, exclusive for its deletion. */
        APP,
        /** {@link MachineCreator}: names and the count of machines. */
        CREATE,
        /** {@link Leases}: the lease of one machine, and the acceptance of changes of it. */
        MACHINE,
        /** {@link MachineRecords}: changes of one machine's record. */
        RECORD,
        /** {@link VolumeIndex}: changes of volumes' records. */
        VOLUME
    }

    /**
     * @param of what the lock guards; the two locks of a read-write lock guard one thing
     */
    private record Held(Rank rank, Object of, Lock lock) {}

    private static final ThreadLocal<ArrayDeque<Held>> HELD = ThreadLocal.withInitial(ArrayDeque::new);

    private LockOrder() {}

    /** Runs {@code work} under the lock; a thread that holds this lock may take it again. */
    static <T, E extends Exception> T holding(Rank rank, Object of, Lock lock, Leases.Gated<T, E> work) throws E {
        ArrayDeque<Held> held = HELD.get();
        check(held, rank, of, lock);
        lock.lock();
        held.push(new Held(rank, of, lock));
        try {
            return work.run();
        } finally {
            held.pop();
            if (held.isEmpty()) {
                HELD.remove();
            }
            lock.unlock();
        }
    }

    private static void check(ArrayDeque<Held> held, Rank rank, Object of, Lock lock) {
        for (Held other : held) {
            if (other.lock().equals(lock)) {
                return;
            }
        }
        for (Held other : held) {
            if (other.of().equals(of) || other.rank().compareTo(rank) >= 0) {
                throw new Bug("a lock of rank %s is taken by a thread that holds one of rank %s: the order is %s"
                        .formatted(rank, other.rank(), java.util.List.of(Rank.values())));
            }
        }
    }
}
