package org.allod.cli;

/** No daemon answers at the address. */
final class DaemonUnreachableException extends RuntimeException {
    private final String hint;

    DaemonUnreachableException(String message, String hint) {
        super(message, null, false, false);
        this.hint = hint;
    }

    String hint() {
        return hint;
    }
}
