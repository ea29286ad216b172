package org.allod.fsm;

/** What the engine is to do once the events of the same decision are durable, and not before. */
sealed interface Effect {
    record RunStep(int step, int attempt) implements Effect {}

    record RunFinalizer(int finalizer, int attempt) implements Effect {}

    /** Ask to be admitted for the finalizers: only the subject must be free, no queue. */
    record Readmit() implements Effect {}

    /** Offer {@link RunInput.RetryDue} after the back-off that belongs to this many failures. */
    record Pause(int failures) implements Effect {}

    /** The pause no longer counts. */
    record EndPause() implements Effect {}

    /** Interrupt the step that is executing. */
    record Interrupt() implements Effect {}

    /** Forget the run, tell those who wait, let the next ones in. */
    record Finish() implements Effect {}
}
