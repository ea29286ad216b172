package org.allod.fsm;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.stream.Stream;
import org.allod.base.Bug;
import org.allod.base.Clock;
import org.allod.base.RejectedException;
import org.allod.base.Rng;
import org.allod.base.Timers;
import org.allod.store.DurabilityLost;
import org.allod.store.WriteCallback;
import org.jspecify.annotations.Nullable;

/**
 * Drives single runs: input → decision → durable events → effects → next input. The room's promise is this order: no
 * effect of a decision happens before its events are on stable storage.
 *
 * <p>Each run has an inbox, and at most one thread at a time works on the run. While an append is under way no thread
 * does; the store's callback continues. If the disk is full, the result of a step is not lost: the append is retried,
 * and the next step does not begin until it succeeds. If nobody can know whether an append is durable ({@link
 * DurabilityLost}), the engine stops.
 */
final class RunDriver {
    private static final System.Logger LOG = System.getLogger(RunDriver.class.getName());

    /** What the engine around the single runs provides. */
    interface Callbacks {
        void changed(ActiveRun run);

        void finished(ActiveRun run, Outcome outcome);

        void readmit(ActiveRun run);

        void fatal(Throwable why);

        boolean closing();
    }

    private final EventStore store;
    private final Clock clock;
    private final Timers timers;
    private final Rng jitter;
    private final EngineOptions options;
    private final StepRunner steps;
    final StepExecutor turns;
    private final Callbacks callbacks;

    RunDriver(
            EventStore store,
            Clock clock,
            Timers timers,
            Rng rng,
            Executor executor,
            EngineOptions options,
            Callbacks callbacks) {
        this.store = store;
        this.clock = clock;
        this.timers = timers;
        this.jitter = rng.fork("backoff");
        this.options = options;
        this.steps = new StepRunner(options.payload());
        this.callbacks = callbacks;
        this.turns = new StepExecutor(clock, executor, callbacks, this::offer);
    }

    void offer(ActiveRun run, RunInput input) {
        offer(run, input, null);
    }

    /** Accepts an input. The reply completes once its change is durable, or fails with the reason if it is refused. */
    void offer(ActiveRun run, RunInput input, @Nullable CompletableFuture<Void> reply) {
        synchronized (run) {
            if (run.busy) {
                if (run.inbox == null) {
                    run.inbox = new ArrayDeque<>(2);
                }
                run.inbox.add(new ActiveRun.PendingInput(input, reply));
                return;
            }
            run.busy = true;
        }
        decide(run, new ActiveRun.PendingInput(input, reply));
    }

    /** Ends the ownership that {@link ActiveRun#busy} marks, and handles the inputs that arrived meanwhile. */
    void release(ActiveRun run) {
        drain(run);
    }

    /** Fails every pending input of a run whose start could not be recorded. */
    void reject(ActiveRun run, Throwable why) {
        synchronized (run) {
            if (run.inbox != null) {
                run.inbox.stream()
                        .flatMap(pending -> Stream.ofNullable(pending.reply()))
                        .forEach(reply -> reply.completeExceptionally(why));
                run.inbox = null;
            }
        }
    }

    private void drain(ActiveRun run) {
        ActiveRun.PendingInput pending;
        synchronized (run) {
            pending = run.inbox == null ? null : run.inbox.poll();
            if (pending == null) {
                run.busy = false;
                run.inbox = null;
                return;
            }
        }
        decide(run, pending);
    }

    private void decide(ActiveRun run, ActiveRun.PendingInput pending) {
        switch (Reducer.next(run.spec.shape(), run.state, pending.input())) {
            case Decision.Illegal(RunState state, RunInput input) ->
                callbacks.fatal(new Bug("run " + run.id() + " in state " + state + " met " + input));
            case Decision.Refused(String why) -> {
                if (pending.reply() != null) {
                    pending.reply()
                            .completeExceptionally(
                                    RejectedException.conflict("run " + run.id() + " cannot be cancelled: " + why));
                }
                drain(run);
            }
            case Decision.Next next -> {
                if (next.events().isEmpty()) {
                    adopt(run, pending, next, run.position);
                } else {
                    record(run, pending, next);
                }
            }
        }
    }

    private void record(ActiveRun run, ActiveRun.PendingInput pending, Decision.Next next) {
        String error = lastError(next.events());
        List<Event> events = omitsHistoryLine(run, next, error) ? List.of() : next.events();
        var append = new LogAppend(run.position, Optional.empty(), events, next.state(), error, clock.wallMillis());
        store.append(append, new WriteCallback<>() {
            @Override
            public void durable(LogPosition position) {
                synchronized (run) {
                    run.error = error;
                    run.events += events.size();
                }
                adopt(run, pending, next, position);
            }

            @Override
            public void failed(Throwable why) {
                onAppendFailed(run, pending, next, why);
            }
        });
    }

    /**
     * Whether to count a failure without an event. A step that fails with the same error again gets an event only at
     * attempts 1, 2, 4, 8…, and a run whose history is full gets none, so that a broken step does not fill the disk.
     */
    private boolean omitsHistoryLine(ActiveRun run, Decision.Next next, String error) {
        return next.events().size() == 1
                && switch (next.state()) {
                    case RunState.Pausing p -> isRepeatedFailure(run, p.attempt(), error);
                    case RunState.FinalPausing p -> isRepeatedFailure(run, p.attempt(), error);
                    case RunState.Waiting w -> false;
                    case RunState.Running r -> false;
                    case RunState.Cancelling c -> false;
                    case RunState.Finalizing f -> false;
                    case RunState.Finished f -> false;
                };
    }

    private boolean isRepeatedFailure(ActiveRun run, int attempt, String error) {
        boolean milestone = Integer.bitCount(attempt) == 1;
        return run.events >= options.events() || (error.equals(run.error) && !milestone);
    }

    private static String lastError(List<Event> events) {
        return switch (events.getLast()) {
            case Event.StepFailed f -> f.error();
            case Event.FinalizerFailed f -> f.error();
            case Event.StepDone d -> "";
            case Event.CancelAsked c -> "";
            case Event.Halted h -> "";
            case Event.FinalizerDone d -> "";
            case Event.Finished f -> "";
        };
    }

    private void onAppendFailed(ActiveRun run, ActiveRun.PendingInput pending, Decision.Next next, Throwable why) {
        if (pending.reply() != null) {
            pending.reply().completeExceptionally(why);
        }
        if (why instanceof DurabilityLost) {
            callbacks.fatal(why);
            return;
        }
        if (callbacks.closing()) {
            return;
        }
        if (pending.input() instanceof RunInput.Cancel) {
            // Nothing changed, and the caller has been told so.
            drain(run);
            return;
        }
        int failures;
        synchronized (run) {
            run.error = "cannot record the outcome of the last attempt: " + StepRunner.describe(why);
            failures = Math.min(++run.unrecorded, 30);
        }
        LOG.log(System.Logger.Level.ERROR, "run {0}: {1}", run.id(), run.error);
        timers.after(delay(failures), () -> record(run, pending, next));
    }

    private void adopt(ActiveRun run, ActiveRun.PendingInput pending, Decision.Next next, LogPosition position) {
        synchronized (run) {
            run.state = next.state();
            run.position = position;
            run.unrecorded = 0;
            run.since = clock.wallMillis();
            for (Event event : next.events()) {
                if (event instanceof Event.StepDone done && done.response().isPresent()) {
                    run.response = done.response();
                }
            }
        }
        callbacks.changed(run);
        Runnable turn = null;
        for (Effect effect : next.effects()) {
            Runnable due = perform(run, effect);
            turn = due == null ? turn : due;
        }
        if (pending.reply() != null) {
            pending.reply().complete(null);
        }
        drain(run);
        // Execute the step last. A short step that ends while this thread still owns the run would leave its end to
        // this thread, which may be running a write's callback and would have to queue the next write
        // (GroupCommitWriter): two threads would be woken for nothing.
        if (turn != null) {
            turn.run();
        }
    }
    /** Performs an effect; for a step or finalizer it returns the action that begins it. */
    private @Nullable Runnable perform(ActiveRun run, Effect effect) {
        switch (effect) {
            case Effect.RunStep(int step, int attempt) -> {
                return () ->
                        turns.execute(run, step, type -> steps.step(run, type, step, attempt, () -> isCancelled(run)));
            }
            case Effect.RunFinalizer(int step, int attempt) -> {
                Outcome outcome = ((RunState.Finalizing) run.state).outcome();
                return () -> turns.execute(
                        run, step, type -> steps.finalizer(run, type, outcome, step, attempt, callbacks::closing));
            }
            case Effect.Readmit() -> callbacks.readmit(run);
            case Effect.Pause(int failures) -> pause(run, failures);
            case Effect.EndPause() -> endPause(run);
            case Effect.Interrupt() -> StepExecutor.interrupt(run);
            case Effect.Finish() -> callbacks.finished(run, ((RunState.Finished) run.state).outcome());
        }
        return null;
    }

    private void pause(ActiveRun run, int failures) {
        synchronized (run) {
            run.pause = timers.after(delay(failures), () -> {
                synchronized (run) {
                    run.pause = null;
                }
                offer(run, new RunInput.RetryDue());
            });
        }
    }

    /** Retries now. The timer may fire at the same time; the reducer ignores the second input. */
    void retryFinalizer(ActiveRun run) {
        synchronized (run) {
            if (!(run.state instanceof RunState.FinalPausing) || run.pause == null) {
                return;
            }
            run.pause.cancel();
            run.pause = null;
        }
        offer(run, new RunInput.RetryDue());
    }

    private Duration delay(int failures) {
        synchronized (jitter) {
            return options.backoff().after(failures, jitter);
        }
    }

    private static void endPause(ActiveRun run) {
        synchronized (run) {
            if (run.pause != null) {
                run.pause.cancel();
                run.pause = null;
            }
        }
    }

    private boolean isCancelled(ActiveRun run) {
        synchronized (run) {
            return run.state instanceof RunState.Cancelling || callbacks.closing();
        }
    }
}
