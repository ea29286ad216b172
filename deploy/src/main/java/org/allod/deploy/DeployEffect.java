package org.allod.deploy;

/** What a deploy has done to a machine. Each may be carried out more than once. */
sealed interface DeployEffect {
    /** Which machine: the index of its slot. */
    int slot();

    /**
     * Has it at the new configuration, made if it is not there.
     *
     * @param launch whether it is to run
     * @param apart whether it is to be kept out of traffic
     */
    record Change(int slot, boolean launch, boolean apart) implements DeployEffect {}

    /**
     * Sees it start, and with {@code checks} pass them.
     */
    record Prove(int slot, boolean checks) implements DeployEffect {}

    /** Stops it again. */
    record Rest(int slot) implements DeployEffect {}

    /** Puts it into traffic. */
    record Open(int slot) implements DeployEffect {}

    /** Takes it out of traffic. */
    record Close(int slot) implements DeployEffect {}

    /** Lets it finish what it does, then destroys it. */
    record Remove(int slot) implements DeployEffect {}

    /** Brings it back to what it was before the deploy. */
    record Restore(int slot) implements DeployEffect {}
}
