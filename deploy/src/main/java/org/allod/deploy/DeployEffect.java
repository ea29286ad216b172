package org.allod.deploy;

/** What a deploy does to a machine. Every effect is idempotent, since it may be carried out more than once. */
sealed interface DeployEffect {
    /** The index of the machine's slot. */
    int slot();

    /**
     * Give the machine the new configuration; create it if it does not exist.
     *
     * @param launch whether it is to run
     * @param apart whether to keep it out of traffic
     */
    record Change(int slot, boolean launch, boolean apart) implements DeployEffect {}

    /**
     * Wait until it has started and, with {@code checks}, passes its checks.
     */
    record Prove(int slot, boolean checks) implements DeployEffect {}

    /** Stop it again. */
    record Rest(int slot) implements DeployEffect {}

    /** Uncordon it, which puts it into traffic. */
    record Open(int slot) implements DeployEffect {}

    /** Cordon it, which takes it out of traffic. */
    record Close(int slot) implements DeployEffect {}

    /** Drain and stop it, then destroy it. */
    record Remove(int slot) implements DeployEffect {}

    /** Restore what it was before the deploy. */
    record Restore(int slot) implements DeployEffect {}
}
