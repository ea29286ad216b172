package org.allod.fsm;

import java.time.Duration;
import java.util.concurrent.Executor;
import org.allod.base.Clock;
import org.allod.base.FailedException;
import org.allod.base.SupervisedTimer;
import org.allod.base.Timers;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the history within its bounds: after every so many ended runs and once an hour it forgets the oldest. It
 * deletes few at a time, so that no write waits long behind it.
 */
final class HistoryPruner {
    private static final System.Logger LOG = System.getLogger(HistoryPruner.class.getName());
    private static final Duration PERIOD = Duration.ofHours(1);
    /** Runs forgotten in one transaction: a few milliseconds of the writer. */
    private static final int CHUNK = 250;

    private final EventStore store;
    private final Clock clock;
    private final Executor executor;
    private final EngineOptions options;
    private final int every;
    private int since;
    private boolean running;
    private volatile boolean closed;
    private volatile @Nullable SupervisedTimer again;

    HistoryPruner(EventStore store, Clock clock, Executor executor, EngineOptions options) {
        this.store = store;
        this.clock = clock;
        this.executor = executor;
        this.options = options;
        this.every = Math.clamp(options.history() / 10, 1, 10_000);
    }

    void start(Timers timers) {
        kick();
        again = new SupervisedTimer("forget-runs", timers, PERIOD, this::kick).start();
    }

    void onRunEnded() {
        boolean due;
        synchronized (this) {
            due = ++since >= every;
        }
        if (due) {
            kick();
        }
    }

    private void kick() {
        synchronized (this) {
            if (running || closed) {
                return;
            }
            running = true;
            since = 0;
        }
        executor.execute(this::prune);
    }

    private void prune() {
        try {
            // A calendar that has just jumped ahead makes everything look old: then only the count bounds the history.
            long olderThan = clock.believedWall()
                    .map(now -> now.minus(options.historyAge()).toEpochMilli())
                    .orElse(Long.MIN_VALUE);
            while (!closed && store.prune(options.history(), olderThan, CHUNK) == CHUNK) {
                // There is more: the next transaction.
            }
        } catch (FailedException e) {
            // What a shutdown overtakes is forgotten after the next start.
            if (!closed) {
                LOG.log(System.Logger.Level.WARNING, "forgetting old runs failed and is tried again later", e);
            }
        } finally {
            synchronized (this) {
                running = false;
            }
        }
    }

    void close() {
        closed = true;
        SupervisedTimer timer = again;
        if (timer != null) {
            timer.close();
        }
    }
}
