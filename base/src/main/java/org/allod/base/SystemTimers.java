package org.allod.base;

import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Timers on one platform thread. Each task runs on a virtual thread of its own, so a slow task does not delay others.
 * What a task throws is reported; use {@link SupervisedTimer} for what must continue after a failure.
 */
public final class SystemTimers implements Timers, AutoCloseable {
    private final ScheduledThreadPoolExecutor wheel;

    public SystemTimers() {
        wheel = new ScheduledThreadPoolExecutor(
                1, Thread.ofPlatform().daemon().name("timers").factory());
        wheel.setRemoveOnCancelPolicy(true);
        wheel.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    }

    @Override
    public Timer after(Duration delay, Runnable task) {
        Future<?> future = wheel.schedule(
                () -> {
                    try {
                        SupervisedThread.start("timer", task);
                    } catch (Error e) {
                        FatalErrors.check(e); // the executor would keep it to itself
                        throw e;
                    }
                },
                delay.toNanos(),
                TimeUnit.NANOSECONDS);
        return () -> future.cancel(false);
    }

    @Override
    public void close() {
        wheel.shutdownNow();
    }
}
