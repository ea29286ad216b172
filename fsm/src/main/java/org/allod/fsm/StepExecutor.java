package org.allod.fsm;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.BiConsumer;
import org.allod.base.Bug;
import org.allod.base.Clock;
import org.jspecify.annotations.Nullable;

/**
 * Executes steps and finalizers on the executor's threads (virtual ones in a daemon), and offers their results to the
 * {@link RunDriver} as inputs. While one executes, {@link ActiveRun#thread} is its thread, so that it can be
 * interrupted.
 */
final class StepExecutor {
    private final Clock clock;
    private final Executor executor;
    private final RunDriver.Callbacks callbacks;
    private final BiConsumer<ActiveRun, RunInput> offer;

    StepExecutor(Clock clock, Executor executor, RunDriver.Callbacks callbacks, BiConsumer<ActiveRun, RunInput> offer) {
        this.clock = clock;
        this.executor = executor;
        this.callbacks = callbacks;
        this.offer = offer;
    }

    interface Body {
        RunInput run(RunType<?, ?> type);
    }

    /** One execution of a step or finalizer. */
    private record Turn(RunType<?, ?> type, int step, Body body) {}

    /** The step that a thread executes next if the end of its step was durable at once. */
    private static final class Chain {
        final ActiveRun run;

        @Nullable
        Turn next;

        Chain(ActiveRun run) {
            this.run = run;
        }
    }

    private static final ScopedValue<Chain> CHAIN = ScopedValue.newInstance();

    /** Executes the body: on this thread if it has just ended a step of the run, otherwise on one of the executor. */
    void execute(ActiveRun run, int step, Body body) {
        RunType<?, ?> type = run.type;
        if (type == null) {
            callbacks.fatal(new Bug("run " + run.id() + " was admitted without a registered type"));
            return;
        }
        Turn turn = new Turn(type, step, body);
        Chain chain = CHAIN.isBound() ? CHAIN.get() : null;
        if (chain != null && chain.run == run) {
            chain.next = turn;
            return;
        }
        try {
            executor.execute(() -> work(run, turn));
        } catch (RejectedExecutionException e) {
            if (!callbacks.closing()) {
                callbacks.fatal(new Bug("the executor of steps refused run " + run.id(), e));
            }
        }
    }

    /**
     * Executes a step. If the store makes the end of the step durable before {@link RunDriver#offer} returns, as it
     * does for a lone writer, the next step executes on the same thread; another thread would cost two wake-ups.
     */
    private void work(ActiveRun run, Turn first) {
        Turn turn = first;
        while (turn != null) {
            RunInput input = attempt(run, turn);
            Chain chain = new Chain(run);
            if (input != null) {
                ScopedValue.where(CHAIN, chain).run(() -> offer.accept(run, input));
            }
            turn = chain.next;
        }
    }

    /** Runs the body; null if the engine is stopping, in which case the step runs again after the restart. */
    private @Nullable RunInput attempt(ActiveRun run, Turn turn) {
        boolean tooLate;
        synchronized (run) {
            if (callbacks.closing()) {
                return null;
            }
            tooLate = run.state instanceof RunState.Cancelling;
            run.thread = Thread.currentThread();
        }
        long begun = clock.monoNanos();
        RunInput input;
        try {
            input = tooLate
                    ? new RunInput.Threw(turn.step(), "cancelled before it began")
                    : turn.body().run(turn.type());
        } catch (OutOfMemoryError e) {
            // Out of memory: any thread may have failed anywhere, so this process cannot be relied on any more.
            callbacks.fatal(e);
            input = new RunInput.Threw(turn.step(), "out of memory");
        }
        measure(run, input, clock.monoNanos() - begun);
        synchronized (run) {
            run.thread = null;
            run.notifyAll();
            // Clear an interrupt that was meant for the step, so that it does not reach what this thread does next.
            Thread.interrupted();
            // A shutdown records nothing; the step runs again after the restart.
            return callbacks.closing() ? null : input;
        }
    }

    private static void measure(ActiveRun run, RunInput input, long nanos) {
        RunTypeStats stats = run.stats;
        if (stats == null) {
            return;
        }
        if (input instanceof RunInput.Returned(int step, Optional<Payload> r)) {
            List<String> names = run.state instanceof RunState.Finalizing ? run.spec.finalizers() : run.spec.steps();
            stats.onAttempt(step < names.size() ? names.get(step) : "", nanos);
        } else if (input instanceof RunInput.Threw) {
            stats.onFailure();
        }
    }

    static void interrupt(ActiveRun run) {
        synchronized (run) {
            if (run.thread != null) {
                run.thread.interrupt();
            }
        }
    }

    /** Waits until no step of the run executes; false if the deadline passes first. */
    boolean idle(ActiveRun run, long deadline) {
        synchronized (run) {
            while (run.thread != null) {
                long left = (deadline - clock.monoNanos()) / 1_000_000;
                if (left <= 0) {
                    return false;
                }
                try {
                    run.wait(left);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    return false;
                }
            }
            return true;
        }
    }
}
