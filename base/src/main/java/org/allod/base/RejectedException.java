package org.allod.base;

import java.util.Optional;

/**
 * A fault of the caller: the request cannot be carried out as it is, and nothing was changed. It says what is wrong and
 * where ({@link #getMessage}), and what to do about it ({@link #hint}). The caller gets it as a status of the API and
 * an exit code of the command. It never contains a secret.
 */
public final class RejectedException extends RuntimeException {
    /** Why. Each maps to one HTTP status and one exit code of the command. */
    public enum Reason {
        /** The request does not make sense: 400, exit 2. */
        INVALID,
        /** No or wrong credentials: 401, exit 1. */
        UNAUTHENTICATED,
        /** The caller may not do this: 403, exit 4. */
        FORBIDDEN,
        /** There is no such thing: 404, exit 3. */
        NOT_FOUND,
        /** It took too long; nothing else is wrong: 408, exit 1. */
        TIMEOUT,
        /** It conflicts with the present state or with an operation under way: 409, exit 4. */
        CONFLICT,
        /** The name is taken: 422 with code {@code name_taken}, exit 4. */
        NAME_TAKEN,
        /** The caller's version of the object is outdated: 412, exit 4. */
        STALE,
        /** It is larger than the bound: 413, exit 2. */
        TOO_LARGE,
        /** The request is valid, but this host does not support it: 422, exit 4. */
        UNSUPPORTED,
        /** Too often: 429, exit 4. */
        RATE_LIMITED,
        /** There is not enough capacity: 409 with code {@code insufficient_capacity}, exit 4. */
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

    /** What the caller can do about it, if anything. */
    public Optional<String> hint() {
        return hint;
    }
}
