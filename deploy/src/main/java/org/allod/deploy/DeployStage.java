package org.allod.deploy;

import java.util.Locale;

/** Where a deploy as a whole is. */
public enum DeployStage {
    /** Machines come to the new version. Whatever fails, all go back. */
    FORWARD,
    /** Blue-green: the new machines pass; traffic is being switched. Whatever fails, all go back. */
    CUTOVER,
    /** The new version serves; what is no longer wanted is destroyed. There is no way back any more. */
    RETIRING,
    /** Machines go back to what they were. */
    ROLLING_BACK,
    /** All machines are at the new version. */
    DONE,
    /** All machines are what they were before, but those that are stuck. */
    ROLLED_BACK;

    boolean over() {
        return this == DONE || this == ROLLED_BACK;
    }

    /** Whether it can still go back. */
    boolean revocable() {
        return this == FORWARD || this == CUTOVER;
    }

    /** The name on the wire. */
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }
}
