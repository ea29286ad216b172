package org.allod.fsm;

/** A step throws it to end its run in favour of another, already started one. Waiting callers learn which. */
public final class Handoff extends TerminalException {
    private final RunId to;

    public Handoff(RunId to) {
        super("handed off to run " + to);
        this.to = to;
    }

    public RunId to() {
        return to;
    }

    @Override
    Outcome outcome() {
        return new Outcome.HandedOff(to);
    }
}
