package org.allod.fsm;

/** A step throws it if another attempt cannot help; it says whose fault that is. */
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
