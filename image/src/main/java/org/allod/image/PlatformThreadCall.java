package org.allod.image;

import java.io.IOException;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.allod.base.Bug;

/** Runs work on a platform thread and waits for it; an interrupt of the waiter is passed on to the work. */
final class PlatformThreadCall {
    private PlatformThreadCall() {}

    static <T> T call(String name, Callable<T> work) throws IOException, InterruptedException {
        FutureTask<T> task = new FutureTask<>(work);
        Thread thread = Thread.ofPlatform().daemon().name(name).start(task);
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return task.get();
                } catch (InterruptedException e) {
                    // The work ends in its own time and cleans up; then its own InterruptedException comes out of
                    // get().
                    interrupted = true;
                    thread.interrupt();
                }
            }
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case IOException io -> throw io;
                case InterruptedException stopped -> throw stopped;
                case RuntimeException runtime -> throw runtime;
                case Error error -> throw error;
                case null, default -> throw new Bug("work threw a checked exception", e.getCause());
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
