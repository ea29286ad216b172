package org.allod.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Locale;
import org.allod.base.FailedException;
import org.allod.base.RejectedException;

/** Prints a failure: what went wrong, then what to do. A stack trace only if ALLOD_DEBUG is set. */
final class ErrorPrinter {
    private ErrorPrinter() {}

    static void print(Throwable failure, Console console, boolean json, boolean debug) {
        String message = message(failure);
        String hint = hint(failure);
        if (json) {
            console.note(body(failure, message, hint).write());
        } else {
            console.note("allod: " + message);
            if (!hint.isEmpty()) {
                console.note("  " + hint);
            }
        }
        if (debug) {
            StringWriter trace = new StringWriter();
            failure.printStackTrace(new PrintWriter(trace));
            console.note(trace.toString());
        }
    }

    private static String message(Throwable failure) {
        return switch (failure) {
            case ApiError _, DaemonUnreachableException _, RejectedException _, FailedException _ ->
                String.valueOf(failure.getMessage());
            default -> "unexpected: " + failure + " (ALLOD_DEBUG=1 shows where)";
        };
    }

    private static String hint(Throwable failure) {
        return switch (failure) {
            case ApiError error -> error.hint();
            case DaemonUnreachableException none -> none.hint();
            case RejectedException rejected -> rejected.hint().orElse("");
            default -> "";
        };
    }

    /** The API's error body, for errors of the command as well, with the exit code. */
    private static Json body(Throwable failure, String message, String hint) {
        Json exit = Json.of(ExitCode.of(failure));
        if (failure instanceof ApiError error) {
            return Json.obj(
                    "error",
                    message,
                    "status",
                    error.status(),
                    "details",
                    error.body().at("details").isNull() ? null : error.body().at("details"),
                    "hint",
                    hint.isEmpty() ? null : hint,
                    "exit",
                    exit);
        }
        String status = switch (failure) {
            case DaemonUnreachableException _ -> "no_daemon";
            case RejectedException rejected -> rejected.reason().name().toLowerCase(Locale.ROOT);
            default -> "failed";
        };
        return Json.obj("error", message, "status", status, "hint", hint.isEmpty() ? null : hint, "exit", exit);
    }
}
