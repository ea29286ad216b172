package org.allod.fsm;

/** Whose fault an {@link Unrecoverable} is: decides whom the operator's alarms wake. */
public enum Fault {
    /** Ours or the host's. */
    SYSTEM,
    /** The caller's: an image that does not exist, a command that cannot run. */
    USER
}
