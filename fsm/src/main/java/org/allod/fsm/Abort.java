package org.allod.fsm;

/** A step throws it if the run is no longer wanted. Later steps are skipped, and the end counts as nobody's fault. */
public final class Abort extends TerminalException {
    public Abort(String message) {
        super(message);
    }

    @Override
    Outcome outcome() {
        return new Outcome.Aborted(String.valueOf(getMessage()));
    }
}
