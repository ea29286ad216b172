package org.allod.fsm;

import java.util.Optional;

/** What happens to a run, recorded durably and in order. */
sealed interface Event {
    record StepDone(int step, int attempt, Optional<Payload> response) implements Event {}

    record StepFailed(int step, int attempt, String error) implements Event {}

    record CancelAsked(String cause) implements Event {}

    /** The run will not complete; later steps are skipped. */
    record Halted(Outcome outcome) implements Event {}

    record FinalizerDone(int finalizer, int attempt) implements Event {}

    record FinalizerFailed(int finalizer, int attempt, String error) implements Event {}

    record Finished(Outcome outcome) implements Event {}
}
