package org.allod.base;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Something done now and then for as long as the daemon lives: a chain of timers that no failure breaks. The next time
 * is set once the last is over, one period later; where the body threw that is reported ({@link LoopFailures}), and it
 * is done again after a pause that grows up to ten seconds. A {@link VirtualMachineError} ends the chain, since the process is then at its
 * end; a {@link StackOverflowError} does not.
 */
public final class SupervisedTimer implements AutoCloseable {
    private final String kind;
    private final Timers timers;
    private final Duration period;
    private final Runnable body;
    private final LoopFailures failures;
    private final RetryBackoff backoff;
    private Timers.@Nullable Timer next;
    private boolean closed;

    public SupervisedTimer(String kind, Timers timers, Duration period, Runnable body) {
        this(kind, timers, period, body, LoopFailures.ofProcess(), Rng.system());
    }

    SupervisedTimer(String kind, Timers timers, Duration period, Runnable body, LoopFailures failures, Rng jitter) {
        this.kind = kind;
        this.timers = timers;
        this.period = period;
        this.body = body;
        this.failures = failures;
        this.backoff = new RetryBackoff(jitter);
    }

    /** The first time is a period from now. */
    public SupervisedTimer start() {
        return start(period);
    }

    public SupervisedTimer start(Duration first) {
        schedule(first);
        return this;
    }

    private synchronized void schedule(Duration delay) {
        if (!closed) {
            next = timers.after(delay, this::fire);
        }
    }

    private void fire() {
        synchronized (this) {
            if (closed) {
                return;
            }
        }
        Duration wait = period;
        try {
            body.run();
            backoff.reset();
        } catch (Throwable e) {
            FatalErrors.check(e);
            failures.report(kind, e);
            FatalErrors.rethrow(e);
            wait = backoff.next();
        }
        schedule(wait);
    }

    /** No further time; one that is under way is not waited for. */
    @Override
    public synchronized void close() {
        closed = true;
        if (next != null) {
            next.cancel();
        }
    }
}
