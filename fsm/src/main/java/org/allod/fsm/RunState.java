package org.allod.fsm;

/** The states of a run. The table at {@link Reducer} says what each input does in each state. */
sealed interface RunState {
    /** The start is durable; the run waits for its delay, another run, its queue or its subject. */
    record Waiting() implements RunState {}

    /** The step is executing (or about to), for the {@code attempt}-th time. */
    record Running(int step, int attempt) implements RunState {}

    /** The step has failed {@code attempt} times and waits for the next attempt. */
    record Pausing(int step, int attempt) implements RunState {}

    /** Cancelled, but the step has not returned yet; finalizers never run while a step does. */
    record Cancelling(int step, int attempt, String cause) implements RunState {}

    /** The outcome is decided; the finalizer is executing. */
    record Finalizing(Outcome outcome, int step, int attempt) implements RunState {}

    /** The finalizer has failed {@code attempt} times and waits for the next attempt. */
    record FinalPausing(Outcome outcome, int step, int attempt) implements RunState {}

    record Finished(Outcome outcome) implements RunState {}
}
