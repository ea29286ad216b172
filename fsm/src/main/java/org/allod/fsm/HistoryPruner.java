package org.allod.fsm;

import java.time.Duration;
import java.util.concurrent.Executor;
import org.allod.base.Clock;
import org.allod.base.FailedException;
import org.allod.base.SupervisedTimer;
import org.allod.base.Timers;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the history within its bounds: once an hour, and after a number of ended runs, it deletes the oldest. It
 * deletes few at a time, so that no write waits long for it.
 */
final class HistoryPruner {
    private static final System.Logger LOG = System.getLogger(HistoryPruner.class.getName());
    private static final Duration PERIOD = Duration.ofHours(1);
    /** Runs deleted in one transaction, which takes the writer a few milliseconds. */
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
            // If the calendar is not believed, only the count bounds the history: after a jump ahead all would look
            // old.
            long olderThan = clock.believedWall()
                    .map(now -> now.minus(options.historyAge()).toEpochMilli())
                    .orElse(Long.MIN_VALUE);
            while (!closed && store.prune(options.history(), olderThan, CHUNK) == CHUNK) {
                // There are more; delete them in the next transaction.
            }
        } catch (FailedException e) {
            // What a shutdown interrupts is deleted after the next start.
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
