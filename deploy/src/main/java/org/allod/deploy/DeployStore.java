package org.allod.deploy;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.UnaryOperator;

/** Changes deploys on record, durably, and tells those who follow one. A deploy has one writer: its run. */
final class DeployStore {
    private final DeployTable table;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();

    DeployStore(DeployTable table) {
        this.table = table;
    }

    /** Changes the record if it is still there; what it is now. Durable when it returns. */
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

    /** The record once it is past {@code revision}, or as it is when the time is over; nothing where it is gone. */
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
