package org.allod.deploy;

import java.util.Locale;

/** The stage of a deploy as a whole. */
public enum DeployStage {
    /** Machines change to the new version. Any failure rolls all of them back. */
    FORWARD,
    /** Blue-green: the new machines pass and traffic is being switched. Any failure rolls all of them back. */
    CUTOVER,
    /**
     * The new version serves and machines that are no longer wanted are destroyed. It cannot be rolled back any more.
     */
    RETIRING,
    /** Machines are restored to what they were. */
    ROLLING_BACK,
    /** All machines are at the new version. */
    DONE,
    /** All machines are what they were before, except those that are stuck. */
    ROLLED_BACK;

    boolean over() {
        return this == DONE || this == ROLLED_BACK;
    }

    /** Whether the deploy can still be rolled back. */
    boolean revocable() {
        return this == FORWARD || this == CUTOVER;
    }

    /** The name on the wire. */
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }
}
