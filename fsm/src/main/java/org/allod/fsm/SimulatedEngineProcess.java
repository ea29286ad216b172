package org.allod.fsm;

import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import org.allod.base.Timers;

/**
 * What dies with a process in a simulation: its timers and its threads. After {@link #kill} nothing that was scheduled
 * or handed in happens any more.
 */
final class SimulatedEngineProcess implements Timers, Executor {
    private final Timers time;
    private final Supplier<Duration> slowness;
    private boolean dead;

    /** @param slowness drawn for each body that is executed: how long it takes */
    SimulatedEngineProcess(Timers time, Supplier<Duration> slowness) {
        this.time = time;
        this.slowness = slowness;
    }

    @Override
    public Timer after(Duration delay, Runnable task) {
        return time.after(delay, () -> {
            if (!dead) {
                task.run();
            }
        });
    }

    @Override
    public void execute(Runnable body) {
        after(slowness.get(), body);
    }

    void kill() {
        dead = true;
    }

    boolean dead() {
        return dead;
    }
}
