package org.allod.sim;

/** Something that must hold does not. */
public final class Violation extends RuntimeException {
    Violation(String message) {
        super(message);
    }
}
