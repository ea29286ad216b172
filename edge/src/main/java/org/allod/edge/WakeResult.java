package org.allod.edge;

/** How bringing a machine up ended. */
sealed interface WakeResult {
    /** It takes connections; one is in the pool of the loop that knocked. */
    record Up(Backend backend) implements WakeResult {}

    /** It does not. */
    record Down(Problem problem, String why) implements WakeResult {}
}
