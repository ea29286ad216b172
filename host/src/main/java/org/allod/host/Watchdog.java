package org.allod.host;

import java.time.Duration;
import org.allod.base.FailedException;
import org.allod.base.LoopFailures;
import org.allod.base.SupervisedTimer;
import org.allod.base.Timers;
import org.allod.linux.SdNotify;
import org.allod.store.Database;

/**
 * Reports to the service manager that the daemon is alive, but only after {@code host.db} has answered a write. A
 * daemon that hangs, or whose disk does, stops reporting and is restarted; its machines continue. A full disk that
 * refuses the write has answered: a restart would not help, and the remedy needs this daemon.
 */
final class Watchdog implements AutoCloseable {
    private final Runnable write;
    private final Runnable alive;
    private final SupervisedTimer timer;

    Watchdog(Database database, Timers timers, SdNotify manager, Duration period) {
        this(() -> write(database), manager::alive, timers, period);
    }

    Watchdog(Runnable write, Runnable alive, Timers timers, Duration period) {
        this.write = write;
        this.alive = alive;
        this.timer = new SupervisedTimer("watchdog", timers, period.dividedBy(3), this::look);
    }

    void start() {
        SupervisedTimer _ = timer.start();
    }

    private void look() {
        try {
            write.run();
        } catch (FailedException e) {
            LoopFailures.ofProcess().report("watchdog", e);
        }
        alive.run();
    }

    private static void write(Database database) {
        int _ = database.write(tx -> tx.update("INSERT INTO host_fact (name, value) VALUES ('watchdog', '1') "
                + "ON CONFLICT (name) DO UPDATE SET value = value + 1"));
    }

    @Override
    public void close() {
        timer.close();
    }
}
