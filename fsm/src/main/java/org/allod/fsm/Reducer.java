package org.allod.fsm;

import java.util.ArrayList;
import java.util.List;
import org.allod.fsm.Decision.Illegal;
import org.allod.fsm.Decision.Next;
import org.allod.fsm.Decision.Refused;
import org.allod.fsm.RunState.Cancelling;
import org.allod.fsm.RunState.FinalPausing;
import org.allod.fsm.RunState.Finalizing;
import org.allod.fsm.RunState.Finished;
import org.allod.fsm.RunState.Pausing;
import org.allod.fsm.RunState.Running;
import org.allod.fsm.RunState.Waiting;

/**
 * Decides what happens to a run: a pure function of the run's state and an input. It reads no clock, because no
 * decision depends on the time; the timers belong to {@link RunDriver}.
 *
 * <p>The table, generated from the code for a run with several steps and finalizers, at the first of each (a test
 * compares). A combination that is not in it is illegal, and the decision names both sides. After the last finalizer,
 * or if there are none, {@code Finished} is recorded together with the event that led there.
 *
 * <pre>
 * state        | input    | next state   | events                 | effects
 * Waiting      | Admitted | Running      |                        | RunStep
 * Waiting      | Cancel   | Finalizing   | CancelAsked, Halted    | Readmit
 * Running      | Admitted | Running      |                        | RunStep
 * Running      | Returned | Running      | StepDone               | RunStep
 * Running      | Threw    | Pausing      | StepFailed             | Pause
 * Running      | Halted   | Finalizing   | Halted                 | RunFinalizer
 * Running      | Cancel   | Cancelling   | CancelAsked            | Interrupt
 * Pausing      | Admitted | Running      |                        | RunStep
 * Pausing      | RetryDue | Running      |                        | RunStep
 * Pausing      | Cancel   | Finalizing   | CancelAsked, Halted    | EndPause, RunFinalizer
 * Cancelling   | Admitted | Finalizing   | Halted                 | RunFinalizer
 * Cancelling   | Returned | Finalizing   | StepDone, Halted       | RunFinalizer
 * Cancelling   | Threw    | Finalizing   | StepFailed, Halted     | RunFinalizer
 * Cancelling   | Halted   | Finalizing   | Halted                 | RunFinalizer
 * Cancelling   | Cancel   | Cancelling   |                        | Interrupt
 * Finalizing   | Admitted | Finalizing   |                        | RunFinalizer
 * Finalizing   | Returned | Finalizing   | FinalizerDone          | RunFinalizer
 * Finalizing   | Threw    | FinalPausing | FinalizerFailed        | Pause
 * Finalizing   | Halted   | Finalizing   | FinalizerFailed        | RunFinalizer
 * Finalizing   | RetryDue | Finalizing   |                        |
 * Finalizing   | Cancel   | refused      |                        |
 * FinalPausing | Admitted | Finalizing   |                        | RunFinalizer
 * FinalPausing | RetryDue | Finalizing   |                        | RunFinalizer
 * FinalPausing | Cancel   | refused      |                        |
 * Finished     | Admitted | Finished     |                        |
 * Finished     | RetryDue | Finished     |                        |
 * Finished     | Cancel   | refused      |                        |
 * </pre>
 */
final class Reducer {
    private Reducer() {}

    static Decision next(StepCounts counts, RunState state, RunInput input) {
        return switch (state) {
            case Waiting s -> waiting(counts, s, input);
            case Running s -> running(counts, s, input);
            case Pausing s -> pausing(counts, s, input);
            case Cancelling s -> cancelling(counts, s, input);
            case Finalizing s -> finalizing(counts, s, input);
            case FinalPausing s -> finalPausing(s, input);
            case Finished s -> finished(s, input);
        };
    }

    private static Decision waiting(StepCounts counts, Waiting s, RunInput input) {
        return switch (input) {
            case RunInput.Admitted() -> go(new Running(0, 1), new Effect.RunStep(0, 1));
            case RunInput.Cancel(String cause) -> {
                var outcome = new Outcome.Cancelled(cause);
                List<Event> events = List.of(new Event.CancelAsked(cause), new Event.Halted(outcome));
                // Another run of the subject may be executing, so the finalizers need admission.
                yield conclude(counts, outcome, events, List.of(), new Effect.Readmit());
            }
            case RunInput.Returned r -> new Illegal(s, r);
            case RunInput.Threw t -> new Illegal(s, t);
            case RunInput.Halted h -> new Illegal(s, h);
            case RunInput.RetryDue r -> new Illegal(s, r);
        };
    }

    private static Decision running(StepCounts counts, Running s, RunInput input) {
        return switch (input) {
            case RunInput.Admitted() -> go(s, new Effect.RunStep(s.step(), s.attempt()));
            case RunInput.Returned r
            when r.step() == s.step() -> {
                List<Event> done = List.of(new Event.StepDone(s.step(), s.attempt(), r.response()));
                int next = s.step() + 1;
                yield next == counts.steps()
                        ? conclude(counts, new Outcome.Completed(), done, List.of(), new Effect.RunFinalizer(0, 1))
                        : new Next(new Running(next, 1), done, List.of(new Effect.RunStep(next, 1)));
            }
            case RunInput.Threw t
            when t.step() == s.step() ->
                new Next(
                        new Pausing(s.step(), s.attempt()),
                        List.of(new Event.StepFailed(s.step(), s.attempt(), t.error())),
                        List.of(new Effect.Pause(s.attempt())));
            case RunInput.Halted h
            when h.step() == s.step() ->
                conclude(
                        counts,
                        h.outcome(),
                        List.of(new Event.Halted(h.outcome())),
                        List.of(),
                        new Effect.RunFinalizer(0, 1));
            case RunInput.Cancel(String cause) ->
                new Next(
                        new Cancelling(s.step(), s.attempt(), cause),
                        List.of(new Event.CancelAsked(cause)),
                        List.of(new Effect.Interrupt()));
            case RunInput.Returned r -> new Illegal(s, r);
            case RunInput.Threw t -> new Illegal(s, t);
            case RunInput.Halted h -> new Illegal(s, h);
            case RunInput.RetryDue r -> new Illegal(s, r);
        };
    }

    private static Decision pausing(StepCounts counts, Pausing s, RunInput input) {
        int next = s.attempt() + 1;
        return switch (input) {
            // Admitted is the input after a restart, which does not wait out the rest of the pause.
            case RunInput.Admitted(), RunInput.RetryDue() ->
                go(new Running(s.step(), next), new Effect.RunStep(s.step(), next));
            case RunInput.Cancel(String cause) -> {
                var outcome = new Outcome.Cancelled(cause);
                List<Event> events = List.of(new Event.CancelAsked(cause), new Event.Halted(outcome));
                yield conclude(counts, outcome, events, List.of(new Effect.EndPause()), new Effect.RunFinalizer(0, 1));
            }
            case RunInput.Returned r -> new Illegal(s, r);
            case RunInput.Threw t -> new Illegal(s, t);
            case RunInput.Halted h -> new Illegal(s, h);
        };
    }

    private static Decision cancelling(StepCounts counts, Cancelling s, RunInput input) {
        var cancelled = new Outcome.Cancelled(s.cause());
        return switch (input) {
            // Admitted after a restart: the step died with the process and is not repeated.
            case RunInput.Admitted() -> halt(counts, cancelled, List.of());
            // Record what the step returned, because the finalizers need the response to clean up.
            case RunInput.Returned r
            when r.step() == s.step() ->
                halt(counts, cancelled, List.of(new Event.StepDone(s.step(), s.attempt(), r.response())));
            case RunInput.Threw t
            when t.step() == s.step() ->
                halt(counts, cancelled, List.of(new Event.StepFailed(s.step(), s.attempt(), t.error())));
            // The step's own outcome takes precedence over the cancellation: a handoff, for example, has happened.
            case RunInput.Halted h when h.step() == s.step() -> halt(counts, h.outcome(), List.of());
            case RunInput.Cancel again -> new Next(s, List.of(), List.of(new Effect.Interrupt()));
            case RunInput.Returned r -> new Illegal(s, r);
            case RunInput.Threw t -> new Illegal(s, t);
            case RunInput.Halted h -> new Illegal(s, h);
            case RunInput.RetryDue r -> new Illegal(s, r);
        };
    }

    private static Decision finalizing(StepCounts counts, Finalizing s, RunInput input) {
        return switch (input) {
            case RunInput.Admitted() -> go(s, new Effect.RunFinalizer(s.step(), s.attempt()));
            case RunInput.Returned r
            when r.step() == s.step() -> nextFinalizer(counts, s, new Event.FinalizerDone(s.step(), s.attempt()));
            case RunInput.Threw t
            when t.step() == s.step() ->
                new Next(
                        new FinalPausing(s.outcome(), s.step(), s.attempt()),
                        List.of(new Event.FinalizerFailed(s.step(), s.attempt(), t.error())),
                        List.of(new Effect.Pause(s.attempt())));
            case RunInput.Halted h
            when h.step() == s.step() ->
                nextFinalizer(
                        counts,
                        new Finalizing(worse(s.outcome(), h.outcome()), s.step(), s.attempt()),
                        new Event.FinalizerFailed(
                                s.step(), s.attempt(), h.outcome().detail()));
            case RunInput.Cancel c ->
                new Refused("it is ending already (" + s.outcome().word() + ")");
            case RunInput.Returned r -> new Illegal(s, r);
            case RunInput.Threw t -> new Illegal(s, t);
            case RunInput.Halted h -> new Illegal(s, h);
            // The timer fired while the cancellation that ended the pause was being recorded.
            case RunInput.RetryDue overtaken -> new Next(s, List.of(), List.of());
        };
    }

    /** A finalizer's unrecoverable failure replaces a success; any other outcome of the steps stays. */
    private static Outcome worse(Outcome steps, Outcome finalizer) {
        return steps instanceof Outcome.Completed && finalizer instanceof Outcome.Unrecoverable ? finalizer : steps;
    }

    private static Decision finalPausing(FinalPausing s, RunInput input) {
        int next = s.attempt() + 1;
        return switch (input) {
            case RunInput.Admitted(), RunInput.RetryDue() ->
                go(new Finalizing(s.outcome(), s.step(), next), new Effect.RunFinalizer(s.step(), next));
            case RunInput.Cancel c ->
                new Refused("it is ending already (" + s.outcome().word() + ")");
            case RunInput.Returned r -> new Illegal(s, r);
            case RunInput.Threw t -> new Illegal(s, t);
            case RunInput.Halted h -> new Illegal(s, h);
        };
    }

    private static Decision finished(Finished s, RunInput input) {
        return switch (input) {
            // They were under way while a cancellation that ended the run at once was being recorded.
            case RunInput.Admitted(), RunInput.RetryDue() -> new Next(s, List.of(), List.of());
            case RunInput.Cancel c -> new Refused("it is over");
            case RunInput.Returned r -> new Illegal(s, r);
            case RunInput.Threw t -> new Illegal(s, t);
            case RunInput.Halted h -> new Illegal(s, h);
        };
    }

    private static Decision go(RunState state, Effect effect) {
        return new Next(state, List.of(), List.of(effect));
    }

    private static Decision halt(StepCounts counts, Outcome outcome, List<Event> before) {
        List<Event> events = new ArrayList<>(before);
        events.add(new Event.Halted(outcome));
        return conclude(counts, outcome, events, List.of(), new Effect.RunFinalizer(0, 1));
    }

    private static Decision nextFinalizer(StepCounts counts, Finalizing s, Event event) {
        int next = s.step() + 1;
        if (next < counts.finalizers()) {
            return new Next(
                    new Finalizing(s.outcome(), next, 1), List.of(event), List.of(new Effect.RunFinalizer(next, 1)));
        }
        return new Next(
                new Finished(s.outcome()),
                List.of(event, new Event.Finished(s.outcome())),
                List.of(new Effect.Finish()));
    }

    /** The outcome is decided: go on to the finalizers or, if there are none, end the run in the same append. */
    private static Decision conclude(
            StepCounts counts, Outcome outcome, List<Event> events, List<Effect> effects, Effect toFinalizers) {
        List<Event> recorded = new ArrayList<>(events);
        List<Effect> due = new ArrayList<>(effects);
        if (counts.finalizers() > 0) {
            due.add(toFinalizers);
            return new Next(new Finalizing(outcome, 0, 1), List.copyOf(recorded), List.copyOf(due));
        }
        recorded.add(new Event.Finished(outcome));
        due.add(new Effect.Finish());
        return new Next(new Finished(outcome), List.copyOf(recorded), List.copyOf(due));
    }
}
