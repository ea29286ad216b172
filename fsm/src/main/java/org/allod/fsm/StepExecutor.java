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
 * Calls steps and finalizers, each on a virtual thread (or whatever the executor has), and offers what came of them.
 * While one executes, {@link ActiveRun#thread} says where: for cancelling it, and for shutting down.
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

    /** One call of a step or finalizer. */
    private record Turn(RunType<?, ?> type, int step, Body body) {}

    /** What a thread that offers the end of a step finds it has to execute next, if that end was durable at once. */
    private static final class Chain {
        final ActiveRun run;

        @Nullable
        Turn next;

        Chain(ActiveRun run) {
            this.run = run;
        }
    }

    private static final ScopedValue<Chain> CHAIN = ScopedValue.newInstance();

    /** Calls the body, here if this thread has just ended a step of the run, else on one of the executor. */
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
     * Executes a step, and on the same thread the next one where the store made the end of the first durable before
     * {@link RunDriver#offer} returned, as it does for a lone writer: a thread of its own for it would cost two wake-ups.
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

    /** Runs the body; null where the engine is shutting down, or must: then the step runs again after the restart. */
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
            // Any thread may have lost what it was doing: nothing in this process can be relied on any more.
            callbacks.fatal(e);
            input = new RunInput.Threw(turn.step(), "out of memory");
        }
        measure(run, input, clock.monoNanos() - begun);
        synchronized (run) {
            run.thread = null;
            run.notifyAll();
            // An interrupt meant for the step must not reach what this thread does next.
            Thread.interrupted();
            // Shutting down records nothing: the step runs again after the restart.
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

    /** Waits until no step of the run executes; false where the deadline passes first. */
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
