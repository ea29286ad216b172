package org.allod.deploy;

/** What a deploy is told. The phase says which effect it answers: one that is no longer due is not listened to. */
sealed interface DeployEvent {
    /**
     * The effect was carried out.
     *
     * @param machine the machine's id, where the effect made or found it; else empty
     */
    record Done(int slot, SlotPhase phase, String machine) implements DeployEvent {}

    /** The effect could not be carried out, and trying longer would not help. */
    record Failed(int slot, SlotPhase phase, String why) implements DeployEvent {}

    /** The effect waits for something that will pass, and why. */
    record Waits(int slot, SlotPhase phase, String why) implements DeployEvent {}

    /** The machine is no longer there: somebody destroyed it. */
    record Gone(int slot, SlotPhase phase) implements DeployEvent {}

    /** Somebody or something wants the deploy undone. */
    record Halted(String why) implements DeployEvent {}
}
