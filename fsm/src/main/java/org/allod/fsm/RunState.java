package org.allod.fsm;

/** Where a run is. What each state does with each input is the table at {@link Reducer}. */
sealed interface RunState {
    /** Started, durable, not yet admitted: a delay, another run, its queue or its subject is in the way. */
    record Waiting() implements RunState {}

    /** The step is executing (or about to), for the {@code attempt}-th time. */
    record Running(int step, int attempt) implements RunState {}

    /** The step failed {@code attempt} times and waits for the next. */
    record Pausing(int step, int attempt) implements RunState {}

    /** Cancelled, but the step has not returned yet: finalizers never run beside a step. */
    record Cancelling(int step, int attempt, String cause) implements RunState {}

    /** The outcome is decided; the finalizer is executing. */
    record Finalizing(Outcome outcome, int step, int attempt) implements RunState {}

    /** The finalizer failed {@code attempt} times and waits for the next. */
    record FinalPausing(Outcome outcome, int step, int attempt) implements RunState {}

    record Finished(Outcome outcome) implements RunState {}
}
