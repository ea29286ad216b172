package org.allod.edge;

import java.util.Locale;

/**
 * Every error that the edge itself, and not a machine, answers with. The name in lower case with dashes is the code in
 * the response; docs/guide/edge.md explains each.
 */
enum Problem {
    BAD_REQUEST(400),
    REQUEST_TIMEOUT(408),
    URI_TOO_LONG(414),
    HEAD_TOO_LARGE(431),
    UNSUPPORTED(501),
    UNSUPPORTED_VERSION(505),
    UNKNOWN_HOST(404),
    NO_MACHINES(503),
    NOT_STARTED(503),
    MACHINE_GONE(503),
    CORDONED(503),
    UNHEALTHY(503),
    AT_CAPACITY(503),
    TOO_MANY_WAITING(503),
    STILL_STARTING(503),
    WAKE_FAILED(503),
    PORT_CLOSED(502),
    UNREACHABLE(502),
    BAD_ANSWER(502),
    CLOSED_EARLY(502),
    ANSWER_TIMEOUT(504),
    TOO_MANY_CONNECTIONS(503),
    SHUTTING_DOWN(503);

    private final int status;

    Problem(int status) {
        this.status = status;
    }

    int status() {
        return status;
    }

    String code() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** Seconds for {@code Retry-After}, or 0 if trying again does not help. */
    int retryAfter() {
        return switch (this) {
            case AT_CAPACITY, TOO_MANY_WAITING, STILL_STARTING, TOO_MANY_CONNECTIONS, SHUTTING_DOWN -> 1;
            case UNHEALTHY, WAKE_FAILED, MACHINE_GONE, PORT_CLOSED, UNREACHABLE -> 5;
            case NO_MACHINES, NOT_STARTED, CORDONED -> 30;
            case BAD_REQUEST,
                    REQUEST_TIMEOUT,
                    URI_TOO_LONG,
                    HEAD_TOO_LARGE,
                    UNSUPPORTED,
                    UNSUPPORTED_VERSION,
                    UNKNOWN_HOST,
                    BAD_ANSWER,
                    CLOSED_EARLY,
                    ANSWER_TIMEOUT -> 0;
        };
    }

    String reason() {
        return switch (status) {
            case 400 -> "Bad Request";
            case 404 -> "Not Found";
            case 408 -> "Request Timeout";
            case 414 -> "URI Too Long";
            case 431 -> "Request Header Fields Too Large";
            case 501 -> "Not Implemented";
            case 502 -> "Bad Gateway";
            case 503 -> "Service Unavailable";
            case 504 -> "Gateway Timeout";
            default -> "HTTP Version Not Supported";
        };
    }
}
