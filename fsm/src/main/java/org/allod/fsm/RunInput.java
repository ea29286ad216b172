package org.allod.fsm;

import java.util.Optional;

/** What happens to a run. {@code step} counts within the steps, or within the finalizers once the run is ending. */
sealed interface RunInput {
    /**
     * The run may execute: its delay is over, the run before it has ended, and subject and queue are free. Also the
     * first input after a restart.
     */
    record Admitted() implements RunInput {}

    record Returned(int step, Optional<Payload> response) implements RunInput {}

    record Threw(int step, String error) implements RunInput {}

    /** The step or finalizer threw a {@link TerminalException}. */
    record Halted(int step, Outcome outcome) implements RunInput {}

    record RetryDue() implements RunInput {}

    record Cancel(String cause) implements RunInput {}
}
