package org.allod.fsm;

/** What the engine does once the events of the same decision are durable, and not before. */
sealed interface Effect {
    record RunStep(int step, int attempt) implements Effect {}

    record RunFinalizer(int finalizer, int attempt) implements Effect {}

    /** Ask for admission to run the finalizers, which needs the subject to be free but no place in a queue. */
    record Readmit() implements Effect {}

    /** Offer {@link RunInput.RetryDue} after the backoff for this many failures. */
    record Pause(int failures) implements Effect {}

    /** Cancel the pause. */
    record EndPause() implements Effect {}

    /** Interrupt the step that is executing. */
    record Interrupt() implements Effect {}

    /** Remove the run from memory, complete its waiters, admit the next runs. */
    record Finish() implements Effect {}
}
