package org.allod.linux;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Supplier;
import org.allod.base.Bug;

/**
 * Runs work on a platform thread of its own: system calls that take milliseconds and would pin a virtual thread's
 * carrier meanwhile, and those that change the kernel's state of the thread. Starting a thread takes a tenth of a
 * millisecond.
 */
final class PlatformThreads {
    private PlatformThreads() {}

    /** Runs the work and returns its result. It waits without a timeout, so the work must be bounded itself. */
    static <T> T call(String thread, Supplier<T> work) {
        FutureTask<T> task = new FutureTask<>(work::get);
        Thread.ofPlatform().daemon().name(thread).start(task);
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return task.get();
                } catch (InterruptedException e) {
                    interrupted = true; // wait on: the work must not be left half done
                }
            }
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException failure) {
                throw failure;
            }
            throw e.getCause() instanceof Error error ? error : new Bug("a supplier threw", e);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
