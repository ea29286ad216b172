package org.allod.deploy;

/** What a deploy is told. The phase says which effect it answers: one that is no longer due is not listened to. */
sealed interface Event {
    /**
     * The effect was carried out.
     *
     * @param machine the machine's id, where the effect made or found it; else empty
     */
    record Done(int slot, Phase phase, String machine) implements Event {}

    /** The effect could not be carried out, and trying longer would not help. */
    record Failed(int slot, Phase phase, String why) implements Event {}

    /** The effect waits for something that will pass, and why. */
    record Waits(int slot, Phase phase, String why) implements Event {}

    /** The machine is no longer there: somebody destroyed it. */
    record Gone(int slot, Phase phase) implements Event {}

    /** Somebody or something wants the deploy undone. */
    record Halted(String why) implements Event {}
}
