package org.allod.fsm;

/** What a step throws to end its run for good; anything else it throws is tried again. */
public abstract sealed class TerminalException extends RuntimeException permits Abort, Unrecoverable, Handoff {
    TerminalException(String message) {
        super(message);
    }

    abstract Outcome outcome();
}
