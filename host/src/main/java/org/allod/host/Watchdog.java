package org.allod.host;

import java.time.Duration;
import org.allod.base.Timers;
import org.allod.linux.ServiceManager;
import org.allod.store.Database;

/**
 * Tells the service manager that the daemon lives, but only while it really does: each time a write to {@code host.db}
 * must have become durable. A daemon that hangs, or whose disk does, falls silent and is restarted; its machines run on.
 */
final class Watchdog implements AutoCloseable {
    private final Database database;
    private final Timers timers;
    private final ServiceManager manager;
    private final Duration pause;
    private volatile boolean over;

    Watchdog(Database database, Timers timers, ServiceManager manager, Duration period) {
        this.database = database;
        this.timers = timers;
        this.manager = manager;
        this.pause = period.dividedBy(3);
    }

    void start() {
        timers.after(pause, () -> {
            if (over) {
                return;
            }
            database.write(tx -> tx.update("INSERT INTO host_fact (name, value) VALUES ('watchdog', '1') "
                    + "ON CONFLICT (name) DO UPDATE SET value = value + 1"));
            manager.alive();
            start();
        });
    }

    @Override
    public void close() {
        over = true;
    }
}
