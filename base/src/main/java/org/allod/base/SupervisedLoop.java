package org.allod.base;

import java.util.concurrent.locks.LockSupport;

/**
 * A virtual thread that repeats a body for as long as the daemon lives. What an iteration throws is reported ({@link
 * LoopFailures}); after a pause that grows with each failure in a row the next iteration follows, so that a full disk
 * or a defect does not end the loop for good. It ends when it is closed, or with a {@link VirtualMachineError}, since
 * the process then ends; a {@link StackOverflowError} does not end it, since it is one iteration's defect.
 */
public final class SupervisedLoop implements AutoCloseable {
    /** One iteration. It may block without a bound; closing interrupts it. */
    @FunctionalInterface
    public interface Turn {
        void run() throws Exception;
    }

    private final String kind;
    private final Turn turn;
    private final LoopFailures failures;
    private final RetryBackoff backoff;
    private final Thread thread;
    private volatile boolean closed;

    public SupervisedLoop(String kind, String name, Turn turn) {
        this(kind, name, turn, LoopFailures.ofProcess(), Rng.system());
    }

    SupervisedLoop(String kind, String name, Turn turn, LoopFailures failures, Rng jitter) {
        this.kind = kind;
        this.turn = turn;
        this.failures = failures;
        this.backoff = new RetryBackoff(jitter);
        this.thread = Thread.ofVirtual().name(name).unstarted(this::run);
    }

    public SupervisedLoop start() {
        thread.start();
        return this;
    }

    private void run() {
        while (!closed) {
            try {
                turn.run();
                backoff.reset();
            } catch (Throwable e) {
                FatalErrors.check(e);
                if (!closed) {
                    failures.report(kind, e);
                }
                FatalErrors.rethrow(e);
                if (!closed) {
                    LockSupport.parkNanos(backoff.next().toNanos());
                }
            }
            // Clear an interrupt that does not come from close; it would make each wait of the next iteration fail.
            boolean _ = Thread.interrupted();
        }
    }

    /** Ends the loop after the present iteration; does not wait for that. */
    @Override
    public void close() {
        closed = true;
        thread.interrupt();
    }

    /** Waits until it has ended, after {@link #close}. */
    public void join() throws InterruptedException {
        thread.join();
    }
}
