package org.allod.fsm;

import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.allod.store.Database;
import org.allod.store.Listener;
import org.allod.store.Tx;
import org.jspecify.annotations.Nullable;

/**
 * Runs in SQLite. The numbers of runs and events are given out here, on the writer's thread, so that rows always go to
 * the end of their table; a batch that is rolled back leaves gaps, which mean nothing.
 */
final class SqliteStore extends EventStore {
    private final Database database;
    /** Both belong to the writer's thread once {@link #load} has set them. */
    private long lastRun;

    private long lastEvent;

    SqliteStore(Database database) {
        this.database = database;
    }

    @Override
    void append(Append append, Listener<Ref> listener) {
        database.submit(tx -> write(tx, append), listener);
    }

    private Ref write(Tx tx, Append append) throws SQLException {
        long run = append.ref().run();
        if (append.start().isPresent()) {
            run = ++lastRun;
            insertRun(tx, run, append.start().get());
        }
        long last = append.ref().last();
        long answer = append.ref().answer();
        Outcome ended = null;
        for (Event event : append.events()) {
            if (event instanceof Event.Finished(Outcome outcome)) {
                ended = outcome;
                continue;
            }
            long no = ++lastEvent;
            insertEvent(tx, no, run, last, append.at(), event);
            last = no;
            if (event instanceof Event.StepDone done && done.response().isPresent()) {
                answer = no;
            }
        }
        Ref ref = new Ref(run, last, answer);
        if (ended != null) {
            insertEnded(tx, ref, append.at(), ended);
        } else {
            writeActive(tx, ref, append);
        }
        return ref;
    }

    private static void insertRun(Tx tx, long no, RunSpec spec) throws SQLException {
        PreparedStatement s = tx.prepared("INSERT INTO run(no, id, type, action, subject, created, not_before, queue, "
                + "after_run, parent, traceparent, tracestate, steps, finalizers, request) "
                + "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
        s.setLong(1, no);
        s.setString(2, spec.id().toString());
        s.setString(3, spec.type());
        s.setString(4, spec.action());
        s.setString(5, spec.subject());
        s.setLong(6, spec.created());
        s.setLong(7, spec.notBefore());
        text(s, 8, spec.queue().orElse(null));
        text(s, 9, spec.after().map(RunId::toString).orElse(null));
        text(s, 10, spec.parent().map(RunId::toString).orElse(null));
        text(s, 11, spec.trace().map(TraceContext::traceparent).orElse(null));
        text(s, 12, spec.trace().map(TraceContext::tracestate).orElse(null));
        s.setString(13, Rows.list(spec.steps()));
        s.setString(14, Rows.list(spec.finalizers()));
        s.setBytes(15, spec.request().bytes());
        s.executeUpdate();
    }

    private static void insertEvent(Tx tx, long no, long run, long prev, long at, Event event) throws SQLException {
        switch (event) {
            case Event.StepDone(int step, int attempt, Optional<Payload> response) ->
                insertStep(tx, no, run, prev, at, step, attempt, response);
            case Event.StepFailed(int step, int attempt, String error) ->
                insertLine(tx, no, run, prev, at, "failed", step, attempt, error);
            case Event.CancelAsked(String cause) -> insertLine(tx, no, run, prev, at, "cancel", -1, 0, cause);
            case Event.Halted(Outcome outcome) ->
                insertLine(tx, no, run, prev, at, "halt", -1, 0, outcome.word() + ": " + outcome.detail());
            case Event.FinalizerDone(int step, int attempt) ->
                insertLine(tx, no, run, prev, at, "finalizer", step, attempt, null);
            case Event.FinalizerFailed(int step, int attempt, String error) ->
                insertLine(tx, no, run, prev, at, "finalizer-failed", step, attempt, error);
            case Event.Finished finished -> throw new AssertionError(finished + " has a table of its own");
        }
    }

    /** The common case has a statement of its own: each value bound is a call through the driver. */
    private static void insertStep(
            Tx tx, long no, long run, long prev, long at, int step, int attempt, Optional<Payload> response)
            throws SQLException {
        PreparedStatement s = tx.prepared("INSERT INTO event(no, run, prev, at, kind, step, attempt, response) "
                + "VALUES (?,?,?,?,'step',?,?,?)");
        s.setLong(1, no);
        s.setLong(2, run);
        s.setLong(3, prev);
        s.setLong(4, at);
        s.setInt(5, step);
        s.setInt(6, attempt);
        if (response.isPresent()) {
            s.setBytes(7, response.get().bytes());
        } else {
            s.setNull(7, Types.BLOB);
        }
        s.executeUpdate();
    }

    private static void insertLine(
            Tx tx, long no, long run, long prev, long at, String kind, int step, int attempt, @Nullable String message)
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

    private static void writeActive(Tx tx, Ref ref, Append append) throws SQLException {
        if (append.start().isEmpty()
                && append.error().isEmpty()
                && append.after() instanceof RunState.Running(int step, int attempt)) {
            PreparedStatement s = tx.prepared("UPDATE active SET last = ?, answer = ?, phase = 'running', step = ?, "
                    + "attempt = ?, outcome = NULL, detail = NULL, error = NULL WHERE run = ?");
            s.setLong(1, ref.last());
            s.setLong(2, ref.answer());
            s.setInt(3, step);
            s.setInt(4, attempt);
            s.setLong(5, ref.run());
            s.executeUpdate();
            return;
        }
        Rows.Phase phase = Rows.Phase.of(append.after());
        PreparedStatement s = tx.prepared("INSERT OR REPLACE INTO active(run, last, answer, phase, step, attempt, "
                + "outcome, detail, error) VALUES (?,?,?,?,?,?,?,?,?)");
        s.setLong(1, ref.run());
        s.setLong(2, ref.last());
        s.setLong(3, ref.answer());
        s.setString(4, phase.phase());
        s.setInt(5, phase.step());
        s.setInt(6, phase.attempt());
        text(s, 7, phase.outcome());
        text(s, 8, phase.detail());
        text(s, 9, append.error().isEmpty() ? null : append.error());
        s.executeUpdate();
    }

    private static void insertEnded(Tx tx, Ref ref, long at, Outcome outcome) throws SQLException {
        PreparedStatement s =
                tx.prepared("INSERT INTO ended(run, at, last, answer, outcome, detail) VALUES (?,?,?,?,?,?)");
        s.setLong(1, ref.run());
        s.setLong(2, at);
        s.setLong(3, ref.last());
        s.setLong(4, ref.answer());
        s.setString(5, Rows.outcomeWord(outcome));
        s.setString(6, Rows.outcomeDetail(outcome));
        s.executeUpdate();
        PreparedStatement d = tx.prepared("DELETE FROM active WHERE run = ?");
        d.setLong(1, ref.run());
        d.executeUpdate();
    }

    @Override
    List<Recovered> load() {
        return database.write(tx -> {
            lastRun = tx.first("SELECT coalesce(max(no), 0) FROM run", row -> row.getLong(1))
                    .orElse(0L);
            lastEvent = tx.first("SELECT coalesce(max(no), 0) FROM event", row -> row.getLong(1))
                    .orElse(0L);
            return tx.list(
                    "SELECT a.*, e.response, " + Rows.RUN_COLUMNS + " FROM active a JOIN run r ON r.no = a.run "
                            + "LEFT JOIN event e ON e.no = a.answer ORDER BY a.run",
                    SqliteStore::recovered);
        });
    }

    private static Recovered recovered(ResultSet row) throws SQLException {
        Rows.Phase phase = new Rows.Phase(
                row.getString("phase"),
                row.getInt("step"),
                row.getInt("attempt"),
                row.getString("outcome"),
                row.getString("detail"));
        String error = row.getString("error");
        return new Recovered(
                Rows.spec(row),
                new Ref(row.getLong("run"), row.getLong("last"), row.getLong("answer")),
                phase.state(),
                error == null ? "" : error,
                Optional.ofNullable(row.getBytes("response")).map(Payload::new));
    }

    private static final String ENDED = "SELECT d.at AS ended_at, d.outcome, d.detail, e.response, " + Rows.RUN_COLUMNS
            + " FROM ended d JOIN run r ON r.no = d.run LEFT JOIN event e ON e.no = d.answer ";

    @Override
    Optional<Archived> ended(RunId id) {
        return database.read(tx -> tx.first(ENDED + "WHERE r.id = ?", SqliteStore::archived, id.toString()));
    }

    @Override
    List<Archived> ended(Optional<RunId> before, int limit) {
        return database.read(tx -> tx.list(
                ENDED + "WHERE r.id < ? ORDER BY r.id DESC LIMIT ?",
                SqliteStore::archived,
                before.map(RunId::toString).orElse("~"),
                limit));
    }

    private static Archived archived(ResultSet row) throws SQLException {
        return new Archived(
                Rows.spec(row),
                Rows.outcome(row.getString("outcome"), row.getString("detail")),
                row.getLong("ended_at"),
                Optional.ofNullable(row.getBytes("response")).map(Payload::new));
    }

    private record Head(
            long run, RunSpec spec, long last, @Nullable HistoryEvent finish) {}

    @Override
    List<HistoryEvent> history(RunId id) {
        return database.read(tx -> {
            Optional<Head> head = tx.first(
                    "SELECT r.no, coalesce(d.last, a.last) AS last, d.at AS ended_at, d.outcome, d.detail, "
                            + Rows.RUN_COLUMNS + " FROM run r LEFT JOIN active a ON a.run = r.no "
                            + "LEFT JOIN ended d ON d.run = r.no WHERE r.id = ?",
                    SqliteStore::head,
                    id.toString());
            return head.isEmpty() ? List.of() : chain(tx, head.get());
        });
    }

    private static Head head(ResultSet row) throws SQLException {
        String word = row.getString("outcome");
        HistoryEvent finish = null;
        if (word != null) {
            Outcome outcome = Rows.outcome(word, row.getString("detail"));
            finish = Histories.finish(row.getLong("ended_at"), outcome);
        }
        return new Head(row.getLong("no"), Rows.spec(row), row.getLong("last"), finish);
    }

    private static List<HistoryEvent> chain(Tx tx, Head head) throws SQLException {
        List<HistoryEvent> events = new ArrayList<>();
        if (head.finish() != null) {
            events.add(head.finish());
        }
        PreparedStatement s =
                tx.prepared("SELECT prev, at, kind, step, attempt, message FROM event WHERE no = ? AND run = ?");
        long no = head.last();
        while (no != 0) {
            s.setLong(1, no);
            s.setLong(2, head.run());
            try (ResultSet row = s.executeQuery()) {
                if (!row.next()) {
                    break;
                }
                String message = row.getString("message");
                String kind = row.getString("kind");
                events.add(new HistoryEvent(
                        Instant.ofEpochMilli(row.getLong("at")),
                        kind,
                        Histories.name(head.spec(), kind, row.getInt("step")),
                        row.getInt("attempt"),
                        message == null ? "" : message));
                no = row.getLong("prev");
            }
        }
        events.add(Histories.start(head.spec()));
        Collections.reverse(events);
        return List.copyOf(events);
    }

    @Override
    List<RunId> children(RunId parent) {
        return database.read(tx -> tx.list(
                "SELECT id FROM run WHERE parent = ? ORDER BY no",
                row -> Rows.id(row.getString(1)),
                parent.toString()));
    }

    private static final String VICTIMS =
            "WITH RECURSIVE victim(run, last) AS MATERIALIZED (SELECT run, last FROM ended "
                    + "WHERE at < ?1 OR run <= coalesce((SELECT run FROM ended ORDER BY run DESC LIMIT 1 OFFSET ?2), -1) "
                    + "ORDER BY run LIMIT ?3) ";

    /** The same victims three times: those that go last are the ones that name them. */
    private static final List<String> PRUNE = List.of(
            VICTIMS + ", chain(no, prev) AS (SELECT e.no, e.prev FROM victim v JOIN event e ON e.no = v.last "
                    + "UNION ALL SELECT e.no, e.prev FROM chain c JOIN event e ON e.no = c.prev) "
                    + "DELETE FROM event WHERE no IN (SELECT no FROM chain)",
            VICTIMS + "DELETE FROM run WHERE no IN (SELECT run FROM victim)",
            VICTIMS + "DELETE FROM ended WHERE run IN (SELECT run FROM victim)");

    @Override
    int prune(int keep, long olderThan, int most) {
        return database.write(tx -> {
            int forgotten = 0;
            for (String sql : PRUNE) {
                forgotten = tx.update(sql, olderThan, keep, most);
            }
            return forgotten;
        });
    }
}
