package org.allod.fsm;

/** Thrown by a step: trying again cannot help. Says whose fault it is. */
public final class Unrecoverable extends TerminalException {
    private final Fault fault;

    public Unrecoverable(Fault fault, String message) {
        super(message);
        this.fault = fault;
    }

    public Fault fault() {
        return fault;
    }

    @Override
    Outcome outcome() {
        return new Outcome.Unrecoverable(fault, String.valueOf(getMessage()));
    }
}
