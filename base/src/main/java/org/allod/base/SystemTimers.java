package org.allod.base;

import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Timers on one platform thread; each task runs on a virtual thread of its own, so a slow one delays no other. What a
 * task throws is reported; a chain that must go on all the same is a {@link SupervisedTimer}.
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
