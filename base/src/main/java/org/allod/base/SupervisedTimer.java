package org.allod.base;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Runs a body periodically for as long as the daemon lives. The next run is scheduled one period after the last one has
 * ended; if the body throws, that is reported ({@link LoopFailures}) and it runs again after a pause that grows up to
 * ten seconds. A {@link VirtualMachineError} ends the timer, since the process then ends; a {@link
 * StackOverflowError} does not.
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

    /** Starts it; the first run is one period from now. */
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

    /** Stops it without waiting for a run that is under way. */
    @Override
    public synchronized void close() {
        closed = true;
        if (next != null) {
            next.cancel();
        }
    }
}
