package org.allod.image;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Puts an end to a request that gets no answer: the library has no bound on it, nor on how often it follows a
 * redirect. The request runs on a thread of its own, so that even its stack overflowing hurts nobody else.
 */
final class Deadline {
    private static final int SECONDS = 60;

    private Deadline() {}

    static <T> T call(String attempt, Callable<T> request, RegistryErrors errors) throws IOException {
        FutureTask<T> task = new FutureTask<>(request);
        Thread.ofVirtual().name(attempt).start(task);
        try {
            return task.get(SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            throw new IOException("there was no answer within " + SECONDS + " s from " + attempt, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            InterruptedIOException stopped = new InterruptedIOException("interrupted while " + attempt);
            stopped.initCause(e);
            throw stopped;
        } catch (ExecutionException e) {
            Throwable cause = e.getCause();
            throw errors.translate(cause == null ? e : cause);
        } finally {
            task.cancel(true);
        }
    }
}
