package org.allod.deploy;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.UnaryOperator;

/** Changes deploys' records durably and wakes the callers that follow one. A deploy has one writer: its run. */
final class DeployStore {
    private final DeployTable table;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();

    DeployStore(DeployTable table) {
        this.table = table;
    }

    /** Changes the record if it still exists and returns the new one. Durable when it returns. */
    Optional<Deploy> change(String id, UnaryOperator<Deploy> by) {
        Optional<Deploy> next = table.find(id).map(by);
        next.ifPresent(table::put);
        tell();
        return next;
    }

    private void tell() {
        lock.lock();
        try {
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Waits until the record is past {@code revision} or the time is over; empty if the record is deleted. */
    Optional<Deploy> after(String id, long revision, Duration timeout) throws InterruptedException {
        long left = timeout.toNanos();
        lock.lock();
        try {
            while (true) {
                Optional<Deploy> now = table.find(id);
                if (left <= 0 || now.isEmpty() || now.get().revision() > revision) {
                    return now;
                }
                left = changed.awaitNanos(left);
            }
        } finally {
            lock.unlock();
        }
    }
}
