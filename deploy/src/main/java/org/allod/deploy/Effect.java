package org.allod.deploy;

/** What a deploy has done to a machine. Each may be carried out more than once. */
sealed interface Effect {
    /** Which machine: the index of its slot. */
    int slot();

    /**
     * Has it at the new configuration, made if it is not there.
     *
     * @param launch whether it is to run
     * @param apart whether it is to be kept out of traffic
     */
    record Change(int slot, boolean launch, boolean apart) implements Effect {}

    /**
     * Sees it start, and with {@code checks} pass them.
     */
    record Prove(int slot, boolean checks) implements Effect {}

    /** Stops it again. */
    record Rest(int slot) implements Effect {}

    /** Puts it into traffic. */
    record Open(int slot) implements Effect {}

    /** Takes it out of traffic. */
    record Close(int slot) implements Effect {}

    /** Lets it finish what it does, then destroys it. */
    record Remove(int slot) implements Effect {}

    /** Brings it back to what it was before the deploy. */
    record Restore(int slot) implements Effect {}
}
