package org.allod.sim;

/** An invariant is violated. */
public final class Violation extends RuntimeException {
    Violation(String message) {
        super(message);
    }
}
