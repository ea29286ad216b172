package org.allod.machine;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.allod.base.Bug;
import org.allod.base.Timers;

/** Waits inside a step; an interrupt ends the wait. */
public interface Sleeper {
    void sleep(Duration time) throws InterruptedException;

    /** Waits by these timers, so that tests control the time. */
    static Sleeper on(Timers timers) {
        return time -> {
            if (!time.isPositive()) {
                return;
            }
            CompletableFuture<Boolean> over = new CompletableFuture<>();
            Timers.Timer timer = timers.after(time, () -> over.complete(true));
            try {
                over.get();
            } catch (ExecutionException e) {
                throw new Bug("a timer's future never fails", e);
            } finally {
                timer.cancel();
            }
        };
    }
}
