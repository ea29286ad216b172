package org.allod.fsm;

/** A step throws one of these to end its run; after any other exception it is retried. */
public abstract sealed class TerminalException extends RuntimeException permits Abort, Unrecoverable, Handoff {
    TerminalException(String message) {
        super(message);
    }

    abstract Outcome outcome();
}
