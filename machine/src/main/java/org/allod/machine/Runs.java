package org.allod.machine;

import java.time.Duration;
import java.util.Optional;
import org.allod.base.Clock;
import org.allod.base.MachineId;
import org.allod.base.Rejected;
import org.allod.fsm.Ended;
import org.allod.fsm.Engine;
import org.allod.fsm.RunId;
import org.allod.fsm.RunType;
import org.allod.fsm.StartOptions;

/**
 * Starts the runs of machines, one at a time for each. A run of the same machine that is only winding up is waited for;
 * one that is at work refuses the newcomer, but for restarts by policy, which give way to people.
 */
final class Runs {
    /** How long a verb waits for the run before it, once that one's machine has settled. */
    private static final Duration TAIL = Duration.ofSeconds(10);

    private final Engine engine;
    private final Ledger ledger;
    private final Book book;
    private final Lifecycle lifecycle;
    private final Clock clock;

    Runs(Engine engine, Ledger ledger, Book book, Lifecycle lifecycle, Clock clock) {
        this.engine = engine;
        this.ledger = ledger;
        this.book = book;
        this.lifecycle = lifecycle;
        this.clock = clock;
    }

    /** Starts the run of a verb that has been found fit. */
    interface Begin {
        RunId run(Machine now) throws InterruptedException;
    }

    /** Checks the verb against the state and starts its run; nothing where the machine is there already. */
    Optional<RunId> verb(Verb verb, Machine machine, String source, Begin begin) throws InterruptedException {
        long until = clock.monoNanos() + TAIL.toNanos();
        while (true) {
            Machine now = book.get(machine.id())
                    .orElseThrow(() -> Rejected.notFound("machine " + machine.id() + " is destroyed"));
            Optional<RunId> active = active(now.id());
            boolean byPolicy = active.filter(this::byPolicy).isPresent();
            boolean settled = now.state().kind() != MachineState.Kind.TRANSIENT;
            if (active.isPresent() && (settled || byPolicy)) {
                if (clock.monoNanos() >= until) {
                    throw Rejected.because(
                            Rejected.Reason.CONFLICT,
                            "cannot %s machine %s: run %s is still at work on it"
                                    .formatted(verb.word(), now.id(), active.get()),
                            "see `allod fsm show " + active.get() + "`");
                }
                if (byPolicy && verb != Verb.START) {
                    cancel(active.get(), verb.word() + " by " + source);
                }
                over(active.get(), TAIL);
                continue;
            }
            switch (verb.on(now.state())) {
                case Verb.Answer.Already() -> {
                    return Optional.empty();
                }
                case Verb.Answer.Refused(Rejected why) -> throw why;
                case Verb.Answer.Run(MachineState during) -> {
                    Optional<RunId> run = begun(now, begin, until);
                    if (run.isPresent()) {
                        // Unless the run has moved it already: it may even be over.
                        ledger.change(now.id(), m -> m.equals(now) ? m.in(during, clock.wall()) : m);
                        return run;
                    }
                }
            }
        }
    }

    /** Nothing where somebody else's run began in between: then look again, and wait for it or refuse. */
    private Optional<RunId> begun(Machine now, Begin begin, long until) throws InterruptedException {
        try {
            return Optional.of(begin.run(now));
        } catch (Rejected e) {
            boolean raced =
                    e.reason() == Rejected.Reason.CONFLICT && active(now.id()).isPresent();
            if (!raced || clock.monoNanos() >= until) {
                throw e;
            }
            return Optional.empty();
        }
    }

    <Q> RunId start(RunType<Q, Job.Progress> type, Machine machine, Q job) {
        return engine.start(type, machine.id().text(), job);
    }

    /** The run that is at work on the machine, or winding up. */
    Optional<RunId> active(MachineId id) {
        return engine.activeRun(lifecycle.start, id.text());
    }

    private boolean byPolicy(RunId run) {
        return engine.get(run)
                .filter(r -> r.type().equals(lifecycle.exited.name()))
                .isPresent();
    }

    /**
     * Starts a run that nothing may refuse: it is durable first, then what is at work on the machine is cancelled, and
     * the run begins once that has ended. A crash in between loses neither.
     */
    <Q> RunId insist(RunType<Q, Job.Progress> type, Machine machine, Q job, String cause) {
        String subject = machine.id().text();
        RunId run = engine.start(type, subject, job, StartOptions.none().queue(MachineRoom.INSISTED));
        active(machine.id()).filter(other -> !other.equals(run)).ifPresent(other -> cancel(other, cause));
        return run;
    }

    private void cancel(RunId run, String cause) {
        try {
            engine.cancel(run, cause);
        } catch (Rejected e) {
            // It has just ended: what cancelling was for.
        }
    }

    /** Waits for the run's end, up to the bound. */
    private void over(RunId run, Duration bound) {
        try {
            engine.await(run, bound);
        } catch (Rejected e) {
            // Out of time, or forgotten: the caller looks at the machine's state again either way.
        }
    }

    /**
     * Waits for the run's end.
     *
     * @throws Rejected where it does not end in time
     */
    Ended await(RunId run, Duration bound) {
        return engine.await(run, bound);
    }
}
