package org.allod.base;

import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * A task that must succeed once. It runs on a virtual thread of its own; what it throws is reported ({@link
 * LoopFailures}), and it is retried after a pause that grows up to ten seconds, until it has succeeded or is no longer
 * wanted. The body may run several times.
 */
public final class SupervisedTask {
    private final String kind;
    private final Runnable body;
    private final BooleanSupplier wanted;
    private final LoopFailures failures;
    private final RetryBackoff backoff;

    SupervisedTask(String kind, BooleanSupplier wanted, Runnable body, LoopFailures failures, Rng jitter) {
        this.kind = kind;
        this.body = body;
        this.wanted = wanted;
        this.failures = failures;
        this.backoff = new RetryBackoff(jitter);
    }

    /**
     * Starts the task and returns at once.
     *
     * @param kind what it does, for metrics; must not contain a machine's name or another unbounded part
     * @param name the thread's name
     * @param wanted asked before each retry
     */
    public static Thread start(String kind, String name, BooleanSupplier wanted, Runnable body) {
        SupervisedTask task = new SupervisedTask(kind, wanted, body, LoopFailures.ofProcess(), Rng.system());
        return Thread.ofVirtual().name(name).start(task::run);
    }

    /**
     * Runs the body on this thread; if it fails, reports that and retries on a thread of its own. For what the daemon
     * must do at its start, but must not fail for.
     */
    public static void hereOrLater(String kind, Runnable body) {
        try {
            body.run();
        } catch (RuntimeException e) {
            LoopFailures.ofProcess().report(kind, e);
            Thread _ = start(kind, kind, () -> true, body);
        }
    }

    void run() {
        while (!attempt()) {
            LockSupport.parkNanos(backoff.next().toNanos());
            if (!wanted.getAsBoolean()) {
                return;
            }
        }
    }

    private boolean attempt() {
        try {
            body.run();
            return true;
        } catch (Throwable e) {
            FatalErrors.check(e);
            failures.report(kind, e);
            FatalErrors.rethrow(e);
            return false;
        }
    }
}
