package org.allod.cli;

/** The daemon answered with an error. Holds the API's error body unchanged. */
final class ApiError extends RuntimeException {
    private final int http;
    private final transient Json body;

    ApiError(int http, Json body) {
        super(message(http, body), null, false, false);
        this.http = http;
        this.body = body;
    }

    private static String message(int http, Json body) {
        String message = body.at("error").text();
        return message.isEmpty() ? "the daemon answered " + http + " without saying why" : message;
    }

    int http() {
        return http;
    }

    /** The machine-readable kind of error, such as {@code not_found}. */
    String status() {
        return body.at("status").text();
    }

    /** The advice; empty if the daemon gives none. */
    String hint() {
        return http == 401 && body.at("hint").isNull()
                ? "set ALLOD_TOKEN to the operator's token (`allod auth token` on the host prints it)"
                : body.at("hint").text();
    }

    Json body() {
        return body;
    }
}
