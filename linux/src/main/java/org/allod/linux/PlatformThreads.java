package org.allod.linux;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Supplier;
import org.allod.base.Bug;

/**
 * Work on a platform thread of its own, which ends with it: for calls of the kernel that take milliseconds and would
 * hold a virtual thread's carrier all the while, and for those that change what the kernel thinks of the thread.
 * Starting one takes a tenth of a millisecond.
 */
final class PlatformThreads {
    private PlatformThreads() {}

    /** Does the work, waits for its end however long that takes (it is bounded itself), and gives what it gave. */
    static <T> T call(String thread, Supplier<T> work) {
        FutureTask<T> task = new FutureTask<>(work::get);
        Thread.ofPlatform().daemon().name(thread).start(task);
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return task.get();
                } catch (InterruptedException e) {
                    interrupted = true; // half of what the work does is worse than all of it
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
