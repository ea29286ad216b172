package org.allod.base;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/** Runs two independent tasks at the same time. */
public final class ParallelTasks {
    private ParallelTasks() {}

    /**
     * Runs {@code here} on this thread and {@code there} on a virtual one. Returns once both have ended, even if one
     * fails, so that nothing runs on after the call.
     *
     * @throws RuntimeException what {@code here} threw, with what {@code there} threw as suppressed; or the latter
     *     alone
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

    /** Waits uninterruptibly: the task is bounded itself and must not be left half done. */
    private static void await(FutureTask<Void> other) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    var _ = other.get();
                    return;
                } catch (InterruptedException e) {
                    // Restored at the end only: a wait that finds it set ends at once, and a loop of these would hold
                    // its
                    // carrier, which the other task may need.
                    interrupted = true;
                } catch (ExecutionException e) {
                    if (e.getCause() instanceof RuntimeException failure) {
                        throw failure;
                    }
                    throw e.getCause() instanceof Error error ? error : new Bug("a runnable threw", e);
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
