package org.allod.deploy;

/**
 * What happens to a deploy. The phase says which effect an event belongs to; if that is no longer due it is ignored.
 */
sealed interface DeployEvent {
    /**
     * The effect was carried out.
     *
     * @param machine the machine's id, if the effect created or found it; otherwise empty
     */
    record Done(int slot, SlotPhase phase, String machine) implements DeployEvent {}

    /** The effect failed, and more attempts would not help. */
    record Failed(int slot, SlotPhase phase, String why) implements DeployEvent {}

    /** The effect waits for something temporary. */
    record Waits(int slot, SlotPhase phase, String why) implements DeployEvent {}

    /** Somebody has destroyed the machine. */
    record Gone(int slot, SlotPhase phase) implements DeployEvent {}

    /** The deploy is to be rolled back. */
    record Halted(String why) implements DeployEvent {}
}
