package org.allod.fsm;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * A bounded subscription to what runs do: a {@link RunView} for each change that has become durable, and for each
 * attempt that begins. A watcher that falls behind loses the oldest and can tell how many ({@link #lost}); it never
 * holds up a run. Safe for use from any thread.
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

    /** The next change; nothing where none comes in time or the watch is closed. */
    // A spurious wake-up only means that the caller asks again.
    @SuppressWarnings("WaitNotInLoop")
    public synchronized Optional<RunView> next(Duration timeout) throws InterruptedException {
        if (queue.isEmpty() && !closed) {
            wait(Math.max(1, timeout.toMillis()));
        }
        return Optional.ofNullable(queue.poll());
    }

    /** Changes dropped so far because nobody took them in time. */
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
