package org.allod.fsm;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import org.allod.base.FailedException;
import org.jspecify.annotations.Nullable;

/** Maps rows to records and back; nothing else knows how states, outcomes and lists are written in columns. */
final class RowMapper {
    private RowMapper() {}

    static final String RUN_COLUMNS = "r.id, r.type, r.action, r.subject, r.created, r.not_before, r.queue, "
            + "r.after_run, r.parent, r.traceparent, r.tracestate, r.steps, r.finalizers, r.request";

    static RunSpec spec(ResultSet row) throws SQLException {
        String traceparent = row.getString("traceparent");
        String tracestate = row.getString("tracestate");
        return new RunSpec(
                id(row.getString("id")),
                row.getString("type"),
                row.getString("action"),
                row.getString("subject"),
                row.getLong("created"),
                row.getLong("not_before"),
                Optional.ofNullable(row.getString("queue")),
                Optional.ofNullable(row.getString("after_run")).map(RowMapper::id),
                Optional.ofNullable(row.getString("parent")).map(RowMapper::id),
                traceparent == null
                        ? Optional.empty()
                        : TraceContext.parse(traceparent, tracestate == null ? "" : tracestate),
                list(row.getString("steps")),
                list(row.getString("finalizers")),
                new Payload(row.getBytes("request")));
    }

    static RunId id(String text) {
        return RunId.parse(text).orElseThrow(() -> damaged("run id", text));
    }

    /** A list in one column, one name a line; a run has a handful, which is not worth a table. */
    static String list(List<String> names) {
        return String.join("\n", names);
    }

    static List<String> list(String text) {
        return text.isEmpty() ? List.of() : List.of(text.split("\n"));
    }

    static String outcomeWord(Outcome outcome) {
        return outcome instanceof Outcome.Unrecoverable u
                ? (u.fault() == Fault.USER ? "unrecoverable-user" : "unrecoverable-system")
                : outcome.word();
    }

    static String outcomeDetail(Outcome outcome) {
        return outcome instanceof Outcome.Unrecoverable u ? u.message() : outcome.detail();
    }

    static Outcome outcome(String word, String detail) {
        return switch (word) {
            case "completed" -> new Outcome.Completed();
            case "aborted" -> new Outcome.Aborted(detail);
            case "unrecoverable-user" -> new Outcome.Unrecoverable(Fault.USER, detail);
            case "unrecoverable-system" -> new Outcome.Unrecoverable(Fault.SYSTEM, detail);
            case "handed-off" -> new Outcome.HandedOff(id(detail));
            case "cancelled" -> new Outcome.Cancelled(detail);
            default -> throw damaged("outcome", word);
        };
    }

    /** The columns phase, step, attempt, outcome, detail of one state. */
    record Phase(
            String phase,
            int step,
            int attempt,
            @Nullable String outcome,
            @Nullable String detail) {
        static Phase of(RunState state) {
            return switch (state) {
                case RunState.Waiting() -> new Phase("waiting", 0, 0, null, null);
                case RunState.Running(int step, int attempt) -> new Phase("running", step, attempt, null, null);
                case RunState.Pausing(int step, int attempt) -> new Phase("pausing", step, attempt, null, null);
                case RunState.Cancelling(int step, int attempt, String cause) ->
                    new Phase("cancelling", step, attempt, null, cause);
                case RunState.Finalizing(Outcome o, int step, int attempt) ->
                    new Phase("finalizing", step, attempt, outcomeWord(o), outcomeDetail(o));
                case RunState.FinalPausing(Outcome o, int step, int attempt) ->
                    new Phase("final-pausing", step, attempt, outcomeWord(o), outcomeDetail(o));
                case RunState.Finished(Outcome o) -> new Phase("finished", 0, 0, outcomeWord(o), outcomeDetail(o));
            };
        }

        RunState state() {
            String why = detail == null ? "" : detail;
            String word = outcome == null ? "" : outcome;
            return switch (phase) {
                case "waiting" -> new RunState.Waiting();
                case "running" -> new RunState.Running(step, attempt);
                case "pausing" -> new RunState.Pausing(step, attempt);
                case "cancelling" -> new RunState.Cancelling(step, attempt, why);
                case "finalizing" -> new RunState.Finalizing(RowMapper.outcome(word, why), step, attempt);
                case "final-pausing" -> new RunState.FinalPausing(RowMapper.outcome(word, why), step, attempt);
                default -> throw damaged("phase", phase);
            };
        }
    }

    private static FailedException damaged(String what, String value) {
        return new FailedException(
                "reading recorded runs: unknown " + what + " '" + value + "'; was the file changed by hand?");
    }
}
