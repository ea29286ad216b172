package org.allod.fsm;

/** How a run ended. */
public sealed interface Outcome {
    /** Every step is done. Read the response with {@link RunType#response}. */
    record Completed() implements Outcome {}

    /** A step said that the run is no longer wanted. */
    record Aborted(String message) implements Outcome {}

    /** A step said that another attempt cannot help. */
    record Unrecoverable(Fault fault, String message) implements Outcome {}

    /** Another run continues the work. */
    record HandedOff(RunId to) implements Outcome {}

    /** The run was cancelled. */
    record Cancelled(String cause) implements Outcome {}

    /** The outcome in one word, for people and for metrics. */
    default String word() {
        return switch (this) {
            case Completed() -> "completed";
            case Aborted a -> "aborted";
            case Unrecoverable u -> "unrecoverable";
            case HandedOff h -> "handed-off";
            case Cancelled c -> "cancelled";
        };
    }

    /** The message, cause or successor; empty for a completed run. */
    default String detail() {
        return switch (this) {
            case Completed() -> "";
            case Aborted(String message) -> message;
            case Unrecoverable(Fault fault, String message) -> fault + ": " + message;
            case HandedOff(RunId to) -> to.toString();
            case Cancelled(String cause) -> cause;
        };
    }
}
