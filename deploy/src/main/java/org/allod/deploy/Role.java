package org.allod.deploy;

/** The role of a machine in a deploy. */
public enum Role {
    /** It existed before and is updated in place. */
    UPDATE,
    /** This deploy creates it, and it stays. */
    FRESH,
    /** This deploy creates it to try the new version first, and destroys it at the end. */
    CANARY,
    /** It existed before and is replaced by fresh ones (blue-green). */
    BLUE,
    /** It existed before and is no longer wanted: beyond the count, or of a group that the plan does not have. */
    SURPLUS;

    /** Whether it gets the new version. */
    boolean moves() {
        return this == UPDATE || this == FRESH || this == CANARY;
    }

    /** Whether this deploy creates it, so that a rollback destroys it. */
    boolean made() {
        return this == FRESH || this == CANARY;
    }

    /** Whether a deploy that succeeds destroys it. */
    boolean leaves() {
        return this == CANARY || this == BLUE || this == SURPLUS;
    }
}
