package org.allod.fsm;

import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Types;
import java.util.Optional;
import org.allod.store.Transaction;
import org.jspecify.annotations.Nullable;

/** The statements that insert rows: one for each table and one for the commonest event. */
final class InsertStatements {
    private InsertStatements() {}

    static void run(Transaction tx, long no, RunSpec spec) throws SQLException {
        boolean plain = spec.queue().isEmpty()
                && spec.after().isEmpty()
                && spec.parent().isEmpty()
                && spec.trace().isEmpty();
        PreparedStatement s = tx.prepared(plain ? PLAIN_RUN : RUN);
        s.setLong(1, no);
        s.setString(2, spec.id().toString());
        s.setString(3, spec.type());
        s.setString(4, spec.action());
        s.setString(5, spec.subject());
        s.setLong(6, spec.created());
        s.setLong(7, spec.notBefore());
        s.setString(8, RowMapper.list(spec.steps()));
        s.setString(9, RowMapper.list(spec.finalizers()));
        s.setBytes(10, spec.request().bytes());
        if (!plain) {
            text(s, 11, spec.queue().orElse(null));
            text(s, 12, spec.after().map(RunId::toString).orElse(null));
            text(s, 13, spec.parent().map(RunId::toString).orElse(null));
            text(s, 14, spec.trace().map(TraceContext::traceparent).orElse(null));
            text(s, 15, spec.trace().map(TraceContext::tracestate).orElse(null));
        }
        s.executeUpdate();
    }

    private static final String RUN_COLUMNS =
            "INSERT INTO run(no, id, type, action, subject, created, not_before, steps, finalizers, request";
    /** The columns of a run that neither waits for another run nor is a child of one. */
    private static final String PLAIN_RUN = RUN_COLUMNS + ") VALUES (?,?,?,?,?,?,?,?,?,?)";

    private static final String RUN =
            RUN_COLUMNS + ", queue, after_run, parent, traceparent, tracestate) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";

    static void event(Transaction tx, long no, long run, long prev, long at, Event event) throws SQLException {
        switch (event) {
            case Event.StepDone(int step, int attempt, Optional<Payload> response) ->
                step(tx, no, run, prev, at, step, attempt, response);
            case Event.StepFailed(int step, int attempt, String error) ->
                line(tx, no, run, prev, at, "failed", step, attempt, error);
            case Event.CancelAsked(String cause) -> line(tx, no, run, prev, at, "cancel", -1, 0, cause);
            case Event.Halted(Outcome outcome) ->
                line(tx, no, run, prev, at, "halt", -1, 0, outcome.word() + ": " + outcome.detail());
            case Event.FinalizerDone(int step, int attempt) ->
                line(tx, no, run, prev, at, "finalizer", step, attempt, null);
            case Event.FinalizerFailed(int step, int attempt, String error) ->
                line(tx, no, run, prev, at, "finalizer-failed", step, attempt, error);
            case Event.Finished finished -> throw new AssertionError(finished + " has a table of its own");
        }
    }

    /** Uses a short statement for the common case, because each bound value is a call through the driver. */
    private static void step(
            Transaction tx, long no, long run, long prev, long at, int step, int attempt, Optional<Payload> response)
            throws SQLException {
        PreparedStatement s = tx.prepared(response.isPresent() ? ANSWERED : SILENT);
        s.setLong(1, no);
        s.setLong(2, run);
        s.setLong(3, prev);
        s.setLong(4, at);
        s.setInt(5, step);
        s.setInt(6, attempt);
        if (response.isPresent()) {
            s.setBytes(7, response.get().bytes());
        }
        s.executeUpdate();
    }

    private static final String ANSWERED =
            "INSERT INTO event(no, run, prev, at, kind, step, attempt, response) VALUES (?,?,?,?,'step',?,?,?)";
    private static final String SILENT =
            "INSERT INTO event(no, run, prev, at, kind, step, attempt) VALUES (?,?,?,?,'step',?,?)";

    private static void line(
            Transaction tx,
            long no,
            long run,
            long prev,
            long at,
            String kind,
            int step,
            int attempt,
            @Nullable String message)
            throws SQLException {
        PreparedStatement s = tx.prepared(
                "INSERT INTO event(no, run, prev, at, kind, step, attempt, message) VALUES (?,?,?,?,?,?,?,?)");
        s.setLong(1, no);
        s.setLong(2, run);
        s.setLong(3, prev);
        s.setLong(4, at);
        s.setString(5, kind);
        s.setInt(6, step);
        s.setInt(7, attempt);
        text(s, 8, message);
        s.executeUpdate();
    }

    private static void text(PreparedStatement s, int index, @Nullable String value) throws SQLException {
        if (value == null) {
            s.setNull(index, Types.VARCHAR);
        } else {
            s.setString(index, value);
        }
    }

    /** Replaces the row of {@code active} with the run's new state. */
    static void active(Transaction tx, LogPosition position, LogAppend append) throws SQLException {
        RowMapper.Phase phase = RowMapper.Phase.of(append.after());
        PreparedStatement s = tx.prepared("INSERT OR REPLACE INTO active(run, last, answer, phase, step, attempt, "
                + "outcome, detail, error) VALUES (?,?,?,?,?,?,?,?,?)");
        s.setLong(1, position.run());
        s.setLong(2, position.last());
        s.setLong(3, position.answer());
        s.setString(4, phase.phase());
        s.setInt(5, phase.step());
        s.setInt(6, phase.attempt());
        text(s, 7, phase.outcome());
        text(s, 8, phase.detail());
        text(s, 9, append.error().isEmpty() ? null : append.error());
        s.executeUpdate();
    }

    static void ended(Transaction tx, LogPosition position, long at, Outcome outcome) throws SQLException {
        PreparedStatement s =
                tx.prepared("INSERT INTO ended(run, at, last, answer, outcome, detail) VALUES (?,?,?,?,?,?)");
        s.setLong(1, position.run());
        s.setLong(2, at);
        s.setLong(3, position.last());
        s.setLong(4, position.answer());
        s.setString(5, RowMapper.outcomeWord(outcome));
        s.setString(6, RowMapper.outcomeDetail(outcome));
        s.executeUpdate();
        PreparedStatement d = tx.prepared("DELETE FROM active WHERE run = ?");
        d.setLong(1, position.run());
        d.executeUpdate();
    }
}
