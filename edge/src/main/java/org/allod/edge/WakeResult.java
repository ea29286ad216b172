package org.allod.edge;

/** The result of waking a machine. */
sealed interface WakeResult {
    /** It accepts connections; one is in the pool of the loop that probed it. */
    record Up(Backend backend) implements WakeResult {}

    /** It did not come up, or does not accept connections. */
    record Down(Problem problem, String why) implements WakeResult {}
}
