package org.allod.base;

import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * Something that must come to pass once: done on a virtual thread of its own, and where it throws, reported ({@link
 * LoopFailures}) and done again after a pause that grows up to ten seconds, until it has succeeded or nobody wants it
 * any more. The body may run several times.
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
     * Begins it and returns at once.
     *
     * @param kind what it is, for metrics: without a machine's name or any other that grows in number
     * @param name the thread's
     * @param wanted asked before each further try
     */
    public static Thread start(String kind, String name, BooleanSupplier wanted, Runnable body) {
        SupervisedTask task = new SupervisedTask(kind, wanted, body, LoopFailures.ofProcess(), Rng.system());
        return Thread.ofVirtual().name(name).start(task::run);
    }

    /**
     * Does it here, and where it fails reports that and goes on trying on a thread of its own: for what a start has to
     * do, and must not fail for.
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
