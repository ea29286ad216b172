package org.allod.base;

import java.util.Optional;

/**
 * The caller's fault: what was asked cannot be done as asked, and nothing was changed. Carries what a person needs:
 * what was wrong and where ({@link #getMessage}), and what to do about it ({@link #hint}). Reaches the caller as a
 * status of the API and an exit code of the command; it never carries a secret.
 */
public final class RejectedException extends RuntimeException {
    /** Why. Each maps to one HTTP status and one exit code of the command. */
    public enum Reason {
        /** The request does not make sense: 400, exit 2. */
        INVALID,
        /** No or wrong credentials: 401, exit 1. */
        UNAUTHENTICATED,
        /** Not for this caller: 403, exit 4. */
        FORBIDDEN,
        /** There is no such thing: 404, exit 3. */
        NOT_FOUND,
        /** Took too long, nothing else wrong: 408, exit 1. */
        TIMEOUT,
        /** It clashes with what is or is under way: 409, exit 4. */
        CONFLICT,
        /** The name is somebody's already: 422 with code {@code name_taken}, exit 4. */
        NAME_TAKEN,
        /** The caller's picture is stale: 412, exit 4. */
        STALE,
        /** Bigger than the bound: 413, exit 2. */
        TOO_LARGE,
        /** Understood, but this cannot be done here: 422, exit 4. */
        UNSUPPORTED,
        /** Too often: 429, exit 4. */
        RATE_LIMITED,
        /** No room for it: 409 with code {@code insufficient_capacity}, exit 4. */
        CAPACITY
    }

    private final Reason reason;
    private final String message;
    private final Optional<String> hint;

    private RejectedException(Reason reason, String message, Optional<String> hint) {
        super(message, null, false, false);
        this.reason = reason;
        this.message = message;
        this.hint = hint;
    }

    /** A refusal without advice. */
    public static RejectedException because(Reason reason, String message) {
        return new RejectedException(reason, message, Optional.empty());
    }

    /** A refusal that says what to do. */
    public static RejectedException because(Reason reason, String message, String hint) {
        return new RejectedException(reason, message, Optional.of(hint));
    }

    public static RejectedException invalid(String message) {
        return because(Reason.INVALID, message);
    }

    public static RejectedException notFound(String message) {
        return because(Reason.NOT_FOUND, message);
    }

    public static RejectedException conflict(String message) {
        return because(Reason.CONFLICT, message);
    }

    @Override
    public String getMessage() {
        return message;
    }

    public Reason reason() {
        return reason;
    }

    /** What the caller can do about it, where there is something. */
    public Optional<String> hint() {
        return hint;
    }
}
