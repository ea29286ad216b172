package org.allod.cli;

import org.allod.base.RejectedException;

/** The exit codes. The same for every command, except that {@code exec} passes on the guest command's own. */
final class ExitCode {
    static final int DONE = 0;
    static final int FAILED = 1;
    static final int WRONG_USE = 2;
    static final int NOT_FOUND = 3;
    static final int REFUSED = 4;
    static final int NO_DAEMON = 5;

    private ExitCode() {}

    static int of(Throwable failure) {
        return switch (failure) {
            case ApiError error -> ofHttp(error.http());
            case DaemonUnreachableException ignored -> NO_DAEMON;
            case RejectedException rejected -> ofReason(rejected.reason());
            default -> FAILED;
        };
    }

    static int ofHttp(int status) {
        return switch (status) {
            case 400, 413 -> WRONG_USE;
            case 404 -> NOT_FOUND;
            case 403, 409, 412, 422, 429 -> REFUSED;
            default -> FAILED;
        };
    }

    private static int ofReason(RejectedException.Reason reason) {
        return switch (reason) {
            case INVALID, TOO_LARGE -> WRONG_USE;
            case NOT_FOUND -> NOT_FOUND;
            case FORBIDDEN, CONFLICT, NAME_TAKEN, STALE, UNSUPPORTED, RATE_LIMITED, CAPACITY -> REFUSED;
            case UNAUTHENTICATED, TIMEOUT -> FAILED;
        };
    }
}
