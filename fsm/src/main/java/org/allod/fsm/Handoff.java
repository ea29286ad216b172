package org.allod.fsm;

/** Thrown by a step: another run, already started, carries on from here. Waiting callers are told which. */
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
