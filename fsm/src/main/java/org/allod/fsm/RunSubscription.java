package org.allod.fsm;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * A bounded subscription to changes of runs: it gets a {@link RunView} for each change that has become durable and for
 * each attempt that begins. A subscriber that falls behind loses the oldest ones, which {@link #lost} counts; it never
 * holds up a run. Safe from any thread.
 */
public final class RunSubscription implements AutoCloseable {
    private final Predicate<RunId> wanted;
    private final int bound;
    private final Consumer<RunSubscription> onClose;
    private final ArrayDeque<RunView> queue = new ArrayDeque<>();
    private long lost;
    private boolean closed;

    RunSubscription(Predicate<RunId> wanted, int bound, Consumer<RunSubscription> onClose) {
        this.wanted = wanted;
        this.bound = bound;
        this.onClose = onClose;
    }

    boolean wants(RunId id) {
        return wanted.test(id);
    }

    synchronized void publish(RunView view) {
        if (closed) {
            return;
        }
        if (queue.size() == bound) {
            queue.poll();
            lost++;
        }
        queue.add(view);
        notifyAll();
    }

    /** The next change if there is one already. */
    public synchronized Optional<RunView> poll() {
        return Optional.ofNullable(queue.poll());
    }

    /** The next change; empty if none comes in time or the subscription is closed. */
    // A spurious wake-up only means that the caller asks again.
    @SuppressWarnings("WaitNotInLoop")
    public synchronized Optional<RunView> next(Duration timeout) throws InterruptedException {
        if (queue.isEmpty() && !closed) {
            wait(Math.max(1, timeout.toMillis()));
        }
        return Optional.ofNullable(queue.poll());
    }

    /** How many changes were dropped so far because they were not taken in time. */
    public synchronized long lost() {
        return lost;
    }

    public synchronized boolean closed() {
        return closed;
    }

    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            notifyAll();
        }
        onClose.accept(this);
    }
}
