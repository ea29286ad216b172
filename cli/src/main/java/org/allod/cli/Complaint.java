package org.allod.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Locale;
import org.allod.base.Failed;
import org.allod.base.Rejected;

/** How a failure is told: what went wrong, then what to do. Never a stack trace, unless ALLOD_DEBUG asks for one. */
final class Complaint {
    private Complaint() {}

    static void print(Throwable failure, Screen screen, boolean json, boolean debug) {
        String message = message(failure);
        String hint = hint(failure);
        if (json) {
            screen.note(body(failure, message, hint).write());
        } else {
            screen.note("allod: " + message);
            if (!hint.isEmpty()) {
                screen.note("  " + hint);
            }
        }
        if (debug) {
            StringWriter trace = new StringWriter();
            failure.printStackTrace(new PrintWriter(trace));
            screen.note(trace.toString());
        }
    }

    private static String message(Throwable failure) {
        return switch (failure) {
            case ApiError _, NoDaemon _, Rejected _, Failed _ -> String.valueOf(failure.getMessage());
            default -> "unexpected: " + failure + " (ALLOD_DEBUG=1 shows where)";
        };
    }

    private static String hint(Throwable failure) {
        return switch (failure) {
            case ApiError error -> error.hint();
            case NoDaemon none -> none.hint();
            case Rejected rejected -> rejected.hint().orElse("");
            default -> "";
        };
    }

    /** The API's error body, whoever found the fault, with the exit code beside it. */
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
            case NoDaemon _ -> "no_daemon";
            case Rejected rejected -> rejected.reason().name().toLowerCase(Locale.ROOT);
            default -> "failed";
        };
        return Json.obj("error", message, "status", status, "hint", hint.isEmpty() ? null : hint, "exit", exit);
    }
}
