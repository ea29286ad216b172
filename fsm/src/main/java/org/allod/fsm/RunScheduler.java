package org.allod.fsm;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.allod.base.Clock;
import org.allod.base.FailedException;
import org.allod.base.Rng;
import org.allod.base.Timers;
import org.jspecify.annotations.Nullable;

/**
 * Connects the {@link RunRegistry}, which decides which runs may continue, with the {@link RunDriver}, which executes
 * them: when a run begins, when its delay is over, when it ends and frees its place, and when the engine stops. Holds
 * no lock while it calls either.
 */
final class RunScheduler implements RunDriver.Callbacks {
    private static final System.Logger LOG = System.getLogger(RunScheduler.class.getName());

    final RunDriver loop;
    private final RunRegistry registry;
    private final Clock clock;
    private final Timers timers;
    private final RunSubscriptions subscriptions;
    private final HistoryPruner pruner;
    private final Consumer<Throwable> onFatal;
    private volatile boolean closing;
    private volatile @Nullable Throwable broken;

    RunScheduler(
            EventStore store,
            Clock clock,
            Timers timers,
            Rng rng,
            Executor executor,
            EngineOptions options,
            RunRegistry registry,
            RunSubscriptions subscriptions,
            HistoryPruner pruner,
            Consumer<Throwable> onFatal) {
        this.registry = registry;
        this.clock = clock;
        this.timers = timers;
        this.subscriptions = subscriptions;
        this.pruner = pruner;
        this.onFatal = onFatal;
        this.loop = new RunDriver(store, clock, timers, rng, executor, options, this);
    }

    /** Throws if the engine has stopped or is stopping. */
    void alive(String what) {
        Throwable why = broken;
        if (why != null) {
            throw new FailedException(what + "the engine has stopped: " + why.getMessage(), why);
        }
        if (closing) {
            throw new FailedException(what + "the engine is shutting down");
        }
    }

    /** Lets a durable run continue once its delay is over, the run before it has ended, and it is admitted. */
    void whenReady(ActiveRun run) {
        if (run.type == null || closing) {
            return;
        }
        if (run.state instanceof RunState.Waiting) {
            // Never wait longer than the original delay, even if the calendar was set back.
            long delay = Math.min(run.spec.notBefore() - clock.wallMillis(), run.spec.notBefore() - run.spec.created());
            if (delay > 0) {
                timers.after(Duration.ofMillis(delay), () -> due(run));
                return;
            }
        }
        due(run);
    }

    private void due(ActiveRun run) {
        if (!closing) {
            admit(registry.ready(run));
        }
    }

    private void admit(List<ActiveRun> admitted) {
        for (ActiveRun run : admitted) {
            loop.offer(run, new RunInput.Admitted());
        }
    }

    /** Removes a run from memory and lets the runs that waited for it continue. */
    void forget(ActiveRun run) {
        RunRegistry.Freed freed = registry.leave(run);
        if (!closing) {
            admit(freed.admitted());
            freed.followers().forEach(this::whenReady);
        }
    }

    @Override
    public void changed(ActiveRun run) {
        subscriptions.publish(run);
    }

    @Override
    public void finished(ActiveRun run, Outcome outcome) {
        if (run.stats != null) {
            run.stats.onEnd(outcome, (clock.wallMillis() - run.spec.created()) * 1_000_000);
        }
        forget(run);
        pruner.onRunEnded();
        // Complete it even if nobody waits yet: a caller may have found the run just before it left, and wait later.
        run.waiters().complete(new RunResult(run.id(), outcome, run.response.map(Payload::bytes)));
    }

    @Override
    public void readmit(ActiveRun run) {
        admit(registry.readmit(run));
    }

    void close() {
        closing = true;
    }

    @Override
    public boolean closing() {
        return closing;
    }

    @Override
    public void fatal(Throwable why) {
        synchronized (this) {
            if (broken != null) {
                return;
            }
            broken = why;
            closing = true;
        }
        LOG.log(System.Logger.Level.ERROR, "the engine of runs stops", why);
        onFatal.accept(why);
    }
}
