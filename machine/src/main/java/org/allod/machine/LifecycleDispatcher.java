package org.allod.machine;

import java.time.Duration;
import java.util.Optional;
import java.util.function.Predicate;
import org.allod.base.Clock;
import org.allod.base.FailedException;
import org.allod.base.MachineId;
import org.allod.base.RejectedException;
import org.allod.fsm.Engine;
import org.allod.fsm.Fault;
import org.allod.fsm.Outcome;
import org.allod.fsm.RunId;
import org.allod.fsm.RunResult;
import org.allod.fsm.RunType;
import org.allod.fsm.StartOptions;

/**
 * Starts the runs of machines, at most one at a time for each. An operation that meets an active run waits for it if
 * the machine has settled already, and is refused otherwise. A restart by policy never refuses: a start or suspend
 * waits for it, every other operation cancels it.
 */
final class LifecycleDispatcher {
    /** How long an operation waits for the run before it to end, once that run has settled the machine. */
    private static final Duration TAIL = Duration.ofSeconds(10);

    private final Engine engine;
    private final MachineRecords records;
    private final MachineIndex index;
    private final LifecycleRunTypes lifecycle;
    private final Leases leases;
    private final GuestRegistry guests;
    private final Clock clock;

    LifecycleDispatcher(
            Engine engine,
            MachineRecords records,
            MachineIndex index,
            LifecycleRunTypes lifecycle,
            Leases leases,
            GuestRegistry guests,
            Clock clock) {
        this.engine = engine;
        this.guests = guests;
        this.records = records;
        this.index = index;
        this.lifecycle = lifecycle;
        this.leases = leases;
        this.clock = clock;
    }

    /** Starts the run of an operation that is allowed; called under the machine lock with the present record. */
    interface Begin {
        RunId run(Machine now) throws InterruptedException;
    }

    /**
     * Checks the operation against the state and starts its run; empty if the machine is in the wanted state already.
     */
    Optional<RunId> operation(MachineOperation operation, Machine machine, Actor actor, Begin begin)
            throws InterruptedException {
        long until = clock.monoNanos() + TAIL.toNanos();
        while (true) {
            Machine now = index.get(machine.id())
                    .orElseThrow(() -> RejectedException.notFound("machine " + machine.id() + " is destroyed"));
            leases.check(now.id(), actor);
            Optional<RunId> active = active(now.id());
            boolean byPolicy = active.filter(this::byPolicy).isPresent();
            boolean settled = now.state().kind() != MachineState.Kind.TRANSIENT || guests.isRunning(now);
            if (active.isPresent() && (settled || byPolicy)) {
                if (clock.monoNanos() >= until) {
                    throw RejectedException.because(
                            RejectedException.Reason.CONFLICT,
                            "cannot %s machine %s: run %s is still at work on it"
                                    .formatted(operation.word(), now.id(), active.get()),
                            "see `allod fsm show " + active.get() + "`");
                }
                // A start or suspend wants the machine to run, so it waits for the restart; the others cancel it.
                if (byPolicy && operation != MachineOperation.START && operation != MachineOperation.SUSPEND) {
                    leases.withLease(now.id(), actor, () -> {
                        cancel(active.get(), operation.word() + " by " + actor.source());
                        return active;
                    });
                }
                awaitEnd(active.get(), TAIL);
                continue;
            }
            switch (operation.on(now.state())) {
                case MachineOperation.Answer.Already() -> {
                    return Optional.empty();
                }
                case MachineOperation.Answer.Refused(RejectedException why) -> throw why;
                case MachineOperation.Answer.Run(MachineState during) -> {
                    Optional<RunId> run = startIfAllowed(now, during, actor, begin, until);
                    if (run.isPresent()) {
                        return run;
                    }
                }
            }
        }
    }

    /**
     * Accepts the operation: under the machine lock it checks the lease, checks that the machine is still as it was
     * judged, and starts the run, so that no other operation comes in between. Empty if the machine has changed since;
     * the caller then judges it again.
     */
    private Optional<RunId> startIfAllowed(Machine judged, MachineState during, Actor actor, Begin begin, long until)
            throws InterruptedException {
        MachineId id = judged.id();
        try {
            return leases.withLease(id, actor, () -> {
                Optional<Machine> now = index.get(id)
                        .filter(m -> m.state() == judged.state() && m.version().equals(judged.version()));
                if (now.isEmpty()) {
                    return Optional.<RunId>empty();
                }
                RunId run = begin.run(now.get());
                // Only if the record is untouched: the run may have changed it already, or even be over, and its
                // finalizer always puts a new record. Nobody else can change it while this thread holds the lock.
                records.publishTransient(id, now.get()::equals, during);
                return Optional.of(run);
            });
        } catch (RejectedException e) {
            boolean raced = e.reason() == RejectedException.Reason.CONFLICT
                    && active(id).isPresent();
            if (!raced || clock.monoNanos() >= until) {
                throw e;
            }
            return Optional.empty();
        }
    }

    <Q> RunId start(RunType<Q, LifecycleRequests.Progress> type, Machine machine, Q request) {
        return leases.withMachineLock(
                machine.id(), () -> engine.start(type, machine.id().text(), request));
    }

    /** The machine's active run, its finalizers included. */
    Optional<RunId> active(MachineId id) {
        return engine.activeRun(lifecycle.start, id.text());
    }

    private boolean byPolicy(RunId run) {
        return engine.get(run)
                .filter(r -> r.type().equals(lifecycle.exited.name()))
                .isPresent();
    }

    /**
     * Starts the run of a destroy by force, that nothing may refuse: it is durable first, then what is at work on the
     * machine is cancelled, and the run begins once that has ended. A crash in between loses neither.
     *
     * @param fits asked about the machine as it is while nothing else may begin on it
     * @return nothing where the machine is gone or does not fit
     */
    <Q> Optional<RunId> startForced(
            RunType<Q, LifecycleRequests.Progress> type,
            Machine machine,
            Actor actor,
            Predicate<Machine> fits,
            Q request,
            String cause) {
        String subject = machine.id().text();
        return leases.withLease(machine.id(), actor, () -> {
            if (index.get(machine.id()).filter(fits).isEmpty()) {
                return Optional.empty();
            }
            boolean first = lifecycle.forced.begin(machine.id());
            RunId run;
            try {
                run = engine.start(type, subject, request, StartOptions.none().queue(MachineModule.INSISTED));
            } catch (RuntimeException e) {
                if (first) {
                    lifecycle.forced.end(machine.id());
                }
                throw e;
            }
            active(machine.id()).filter(other -> !other.equals(run)).ifPresent(other -> cancel(other, cause));
            return Optional.of(run);
        });
    }

    private void cancel(RunId run, String cause) {
        try {
            engine.cancel(run, cause);
        } catch (RejectedException e) {
            // The run has ended, which is all that was wanted; or it is finalizing and may be waiting out a backoff.
            engine.retryFinalizer(run);
        }
    }

    /** Waits until the run ends or {@code bound} has passed. */
    private void awaitEnd(RunId run, Duration bound) {
        try {
            engine.await(run, bound);
        } catch (RejectedException e) {
            // Timed out, or the run is deleted from history: the caller judges the machine again either way.
        }
    }

    /** The exception that tells a run's caller why it did not succeed. Waits up to {@link #TAIL} for the run to end. */
    RuntimeException refusal(RunId run, String what) {
        return switch (await(run, TAIL).outcome()) {
            case Outcome.Unrecoverable(var fault, String message)
            when fault == Fault.SYSTEM -> new FailedException(what + ", and nothing was left behind: " + message);
            case Outcome.Unrecoverable(var fault, String message) -> RejectedException.invalid(message);
            case Outcome other -> RejectedException.conflict(what + ": " + other.detail());
        };
    }

    /**
     * Waits until the run ends.
     *
     * @throws RejectedException if it does not end in time
     */
    RunResult await(RunId run, Duration bound) {
        return engine.await(run, bound);
    }
}
