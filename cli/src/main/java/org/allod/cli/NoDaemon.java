package org.allod.cli;

/** Nothing answers at the daemon's address. */
final class NoDaemon extends RuntimeException {
    private final String hint;

    NoDaemon(String message, String hint) {
        super(message, null, false, false);
        this.hint = hint;
    }

    String hint() {
        return hint;
    }
}
