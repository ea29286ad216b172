package org.allod.fsm;

import java.util.Optional;

/** What happens to a run. {@code step} counts within the steps, or within the finalizers once the run is ending. */
sealed interface Input {
    /** The way is free: delay over, other run ended, subject and queue have room. Also the first input after a restart. */
    record Admitted() implements Input {}

    record Returned(int step, Optional<Payload> response) implements Input {}

    record Threw(int step, String error) implements Input {}

    /** The step or finalizer threw a {@link Halt}. */
    record Halted(int step, Outcome outcome) implements Input {}

    record RetryDue() implements Input {}

    record Cancel(String cause) implements Input {}
}
