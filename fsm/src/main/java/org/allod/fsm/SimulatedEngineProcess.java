package org.allod.fsm;

import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import org.allod.base.Timers;

/**
 * The timers and threads of one simulated process, which die with it: after {@link #kill} nothing that was scheduled or
 * submitted happens any more.
 */
final class SimulatedEngineProcess implements Timers, Executor {
    private final Timers time;
    private final Supplier<Duration> slowness;
    private boolean dead;

    /** @param slowness how long a body takes; drawn for each one */
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
