package org.allod.deploy;

/** What a machine is in a deploy. */
public enum Role {
    /** Was there before, and is given the new configuration in place. */
    UPDATE,
    /** Made by this deploy, and stays. */
    FRESH,
    /** Made by this deploy to try the new version first; goes at the end. */
    CANARY,
    /** Was there before, and gives way to fresh ones (blue-green). */
    BLUE,
    /** Was there before and is no longer wanted: beyond the count, or of a group that is gone. */
    SURPLUS;

    /** Whether it comes to the new version. */
    boolean moves() {
        return this == UPDATE || this == FRESH || this == CANARY;
    }

    /** Whether this deploy made it: a roll-back destroys it. */
    boolean made() {
        return this == FRESH || this == CANARY;
    }

    /** Whether a deploy that succeeds destroys it. */
    boolean leaves() {
        return this == CANARY || this == BLUE || this == SURPLUS;
    }
}
