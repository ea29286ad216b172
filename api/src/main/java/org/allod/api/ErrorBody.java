package org.allod.api;

import java.time.Duration;
import java.util.Set;
import org.allod.base.RejectedException;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** An error in the form of the Machines API, with an additional hint. */
final class ErrorBody {
    private ErrorBody() {}

    static int status(RejectedException.Reason reason) {
        return switch (reason) {
            case INVALID -> 400;
            case UNAUTHENTICATED -> 401;
            case FORBIDDEN -> 403;
            case NOT_FOUND -> 404;
            case TIMEOUT -> 408;
            case CONFLICT, CAPACITY -> 409;
            case STALE -> 412;
            case TOO_LARGE -> 413;
            case UNSUPPORTED, NAME_TAKEN -> 422;
            case RATE_LIMITED -> 429;
        };
    }

    static Response.Json of(RejectedException rejected) {
        ObjectNode body = body(rejected.getMessage(), code(rejected.reason()));
        rejected.hint().ifPresent(hint -> body.put("hint", hint));
        return new Response.Json(status(rejected.reason()), body);
    }

    /** The response to a method that the path does not support. */
    static Response notAllowed(String method, String path, Set<String> allowed) {
        String message = method + " is not allowed at " + path + ": allowed are " + String.join(", ", allowed);
        return new Response.NotAllowed(allowed, body(message, "unknown"));
    }

    /** The response to a rate-limited request. */
    static Response later(Duration wait) {
        return later(wait, "too many requests");
    }

    /** As above, with the reason. */
    static Response later(Duration wait, String message) {
        ObjectNode body = body(message, "unknown");
        body.put("hint", "try again in " + Math.max(1, wait.toMillis()) + " ms");
        return new Response.Later(wait, body);
    }

    /** The error codes that Machines API clients look for. */
    private static String code(RejectedException.Reason reason) {
        return switch (reason) {
            case CAPACITY -> "insufficient_capacity";
            case NAME_TAKEN -> "name_taken";
            case INVALID,
                    UNAUTHENTICATED,
                    FORBIDDEN,
                    NOT_FOUND,
                    TIMEOUT,
                    CONFLICT,
                    STALE,
                    TOO_LARGE,
                    UNSUPPORTED,
                    RATE_LIMITED -> "unknown";
        };
    }

    static Response.Json of(int status, String message) {
        return new Response.Json(status, body(message, "unknown"));
    }

    private static ObjectNode body(String message, String code) {
        ObjectNode body =
                JsonNodeFactory.instance.objectNode().put("error", message).put("status", code);
        body.putObject("details");
        return body;
    }
}
