package org.allod.base;

import java.util.function.BooleanSupplier;

/**
 * Something that must come to pass once: done on a thread of its own, and where it throws, reported ({@link
 * LoopFailures}) and done again after a pause that grows up to ten seconds, until it has succeeded or nobody wants it
 * any more. The body may run several times.
 */
public final class SupervisedTask {
    private final String kind;
    private final String name;
    private final Timers timers;
    private final Runnable body;
    private final BooleanSupplier wanted;
    private final LoopFailures failures;
    private final RetryBackoff backoff;

    SupervisedTask(
            String kind,
            String name,
            Timers timers,
            BooleanSupplier wanted,
            Runnable body,
            LoopFailures failures,
            Rng jitter) {
        this.kind = kind;
        this.name = name;
        this.timers = timers;
        this.body = body;
        this.wanted = wanted;
        this.failures = failures;
        this.backoff = new RetryBackoff(jitter);
    }

    /** @param wanted asked before each further try */
    public static void start(String kind, String name, Timers timers, BooleanSupplier wanted, Runnable body) {
        new SupervisedTask(kind, name, timers, wanted, body, LoopFailures.ofProcess(), Rng.system()).begin();
    }

    void begin() {
        Thread.ofVirtual().name(name).start(this::attempt);
    }

    void attempt() {
        try {
            body.run();
        } catch (VirtualMachineError e) {
            failures.report(kind, e);
            throw e;
        } catch (Throwable e) {
            failures.report(kind, e);
            var _ = timers.after(backoff.next(), () -> {
                if (wanted.getAsBoolean()) {
                    attempt();
                }
            });
        }
    }
}
