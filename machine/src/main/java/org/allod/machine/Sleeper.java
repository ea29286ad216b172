package org.allod.machine;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.allod.base.Bug;
import org.allod.base.Timers;

/** A wait inside a step, that an interrupt ends. */
public interface Sleeper {
    void sleep(Duration time) throws InterruptedException;

    /** Waits as long as the timers say. */
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
