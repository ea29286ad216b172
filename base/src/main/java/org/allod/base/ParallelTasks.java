package org.allod.base;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/** Two pieces of work that have nothing to do with each other, done at the same time. */
public final class ParallelTasks {
    private ParallelTasks() {}

    /**
     * Does {@code here} on this thread and {@code there} on a virtual one, and returns once both have ended, whatever
     * became of either: nothing goes on behind the caller's back.
     *
     * @throws RuntimeException what {@code here} threw, with what {@code there} threw added to it; or that alone
     */
    public static void run(Runnable here, Runnable there) {
        FutureTask<Void> other = new FutureTask<>(there, null);
        Thread.ofVirtual().name("beside " + Thread.currentThread().getName()).start(other);
        try {
            here.run();
        } catch (RuntimeException | Error e) {
            try {
                await(other);
            } catch (RuntimeException | Error also) {
                e.addSuppressed(also);
            }
            throw e;
        }
        await(other);
    }

    private static void await(FutureTask<Void> other) {
        boolean interrupted = false;
        while (true) {
            try {
                var _ = other.get();
                return;
            } catch (InterruptedException e) {
                interrupted = true; // It is bounded itself, and half of it is worse than all.
            } catch (ExecutionException e) {
                if (e.getCause() instanceof RuntimeException failure) {
                    throw failure;
                }
                throw e.getCause() instanceof Error error ? error : new Bug("a runnable threw", e);
            } finally {
                if (interrupted) {
                    Thread.currentThread().interrupt();
                }
            }
        }
    }
}
