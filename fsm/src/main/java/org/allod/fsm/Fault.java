package org.allod.fsm;

/** Whose fault an {@link Unrecoverable} is, so that alarms for the operator can leave out faults of callers. */
public enum Fault {
    /** The fault of this program or of the host. */
    SYSTEM,
    /** The fault of the caller: an image that does not exist, a command that cannot run. */
    USER
}
