package org.allod.fsm;

/** Thrown by a step: the run is no longer wanted or its world has changed; later steps are skipped. Nobody's fault. */
public final class Abort extends TerminalException {
    public Abort(String message) {
        super(message);
    }

    @Override
    Outcome outcome() {
        return new Outcome.Aborted(String.valueOf(getMessage()));
    }
}
