package org.allod.base;

import org.jspecify.annotations.Nullable;

/**
 * A failure of the environment: something that should have worked did not (a command, a disk, a peer). The message says
 * what was attempted, on what, and why it failed. A durable run retries it; elsewhere the caller gets a 500 with the
 * message.
 */
public final class FailedException extends RuntimeException {
    private final String message;

    public FailedException(String message) {
        this(message, null);
    }

    public FailedException(String message, @Nullable Throwable cause) {
        super(message, cause);
        FatalErrors.check(cause);
        this.message = message;
    }

    @Override
    public String getMessage() {
        return message;
    }
}
