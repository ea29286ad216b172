package org.allod.base;

import java.util.concurrent.locks.LockSupport;

/**
 * A virtual thread that does the same thing again and again for as long as the daemon lives. A turn that throws is
 * reported ({@link LoopFailures}), waited for a little longer each time it fails again, and followed by the next: one
 * full disk or one defect must not end it for good. It ends when it is closed; a {@link VirtualMachineError} ends it
 * too, since the process is then at its end. A {@link StackOverflowError} does not: it is one turn's defect.
 */
public final class SupervisedLoop implements AutoCloseable {
    /** One turn. It may wait, for as long as it likes; closing interrupts it. */
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
            // An interrupt that is not ours to obey must not make each wait of the next turn fail.
            boolean _ = Thread.interrupted();
        }
    }

    /** Ends it once its turn has; does not wait for that. */
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
