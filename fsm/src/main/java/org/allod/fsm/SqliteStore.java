package org.allod.fsm;

import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.allod.store.Database;
import org.allod.store.Transaction;
import org.allod.store.WriteCallback;
import org.jspecify.annotations.Nullable;

/**
 * Records runs in SQLite. The writer's thread assigns the numbers of runs and events here, so that rows always go to
 * the end of their table; a batch that is rolled back leaves gaps, which are harmless.
 */
final class SqliteStore extends EventStore {
    private final Database database;
    private final ActiveTableCheckpoint checkpoint;
    /** Owned by the writer's thread once {@link #load} has set them. */
    private long lastRun;

    private long lastEvent;

    SqliteStore(Database database) {
        this(database, ActiveTableCheckpoint.EVENTS);
    }

    SqliteStore(Database database, int foldEvery) {
        this.database = database;
        this.checkpoint = new ActiveTableCheckpoint(foldEvery);
    }

    @Override
    void append(LogAppend append, WriteCallback<LogPosition> callback) {
        database.submit(tx -> write(tx, append), callback);
    }

    private LogPosition write(Transaction tx, LogAppend append) throws SQLException {
        long run = append.position().run();
        if (append.start().isPresent()) {
            run = ++lastRun;
            InsertStatements.run(tx, run, append.start().get());
        }
        long last = append.position().last();
        long answer = append.position().answer();
        Outcome ended = null;
        for (Event event : append.events()) {
            if (event instanceof Event.Finished(Outcome outcome)) {
                ended = outcome;
                continue;
            }
            long no = ++lastEvent;
            InsertStatements.event(tx, no, run, last, append.at(), event);
            last = no;
            if (event instanceof Event.StepDone done && done.response().isPresent()) {
                answer = no;
            }
        }
        LogPosition position = new LogPosition(run, last, answer);
        if (ended != null) {
            InsertStatements.ended(tx, position, append.at(), ended);
        } else if (!ActiveTableCheckpoint.says(append)) {
            InsertStatements.active(tx, position, append);
        }
        checkpoint.ifDue(tx, lastRun, lastEvent);
        return position;
    }

    @Override
    List<ActiveRunRecord> load() {
        return database.write(tx -> {
            lastRun = ActiveTableCheckpoint.lastRun(tx);
            lastEvent = ActiveTableCheckpoint.lastEvent(tx);
            checkpoint.now(tx, lastRun, lastEvent);
            return tx.list(
                    "SELECT a.*, e.response, " + RowMapper.RUN_COLUMNS + " FROM active a JOIN run r ON r.no = a.run "
                            + "LEFT JOIN event e ON e.no = a.answer ORDER BY a.run",
                    SqliteStore::recovered);
        });
    }

    private static ActiveRunRecord recovered(ResultSet row) throws SQLException {
        RowMapper.Phase phase = new RowMapper.Phase(
                row.getString("phase"),
                row.getInt("step"),
                row.getInt("attempt"),
                row.getString("outcome"),
                row.getString("detail"));
        String error = row.getString("error");
        return new ActiveRunRecord(
                RowMapper.spec(row),
                new LogPosition(row.getLong("run"), row.getLong("last"), row.getLong("answer")),
                phase.state(),
                error == null ? "" : error,
                Optional.ofNullable(row.getBytes("response")).map(Payload::new));
    }

    private static final String ENDED = "SELECT d.at AS ended_at, d.outcome, d.detail, e.response, "
            + RowMapper.RUN_COLUMNS + " FROM ended d JOIN run r ON r.no = d.run LEFT JOIN event e ON e.no = d.answer ";

    @Override
    Optional<EndedRunRecord> ended(RunId id) {
        return database.read(tx -> tx.first(ENDED + "WHERE r.id = ?", SqliteStore::archived, id.toString()));
    }

    @Override
    List<EndedRunRecord> ended(Optional<RunId> before, int limit) {
        return database.read(tx -> tx.list(
                ENDED + "WHERE r.id < ? ORDER BY r.id DESC LIMIT ?",
                SqliteStore::archived,
                before.map(RunId::toString).orElse("~"),
                limit));
    }

    private static EndedRunRecord archived(ResultSet row) throws SQLException {
        return new EndedRunRecord(
                RowMapper.spec(row),
                RowMapper.outcome(row.getString("outcome"), row.getString("detail")),
                row.getLong("ended_at"),
                Optional.ofNullable(row.getBytes("response")).map(Payload::new));
    }

    private record Head(
            long run, RunSpec spec, long last, @Nullable HistoryEvent finish) {}

    @Override
    List<HistoryEvent> history(RunId id, LogPosition active) {
        return database.read(tx -> {
            Optional<Head> head = tx.first(
                    "SELECT r.no, coalesce(d.last, ?) AS last, d.at AS ended_at, d.outcome, d.detail, "
                            + RowMapper.RUN_COLUMNS + " FROM run r LEFT JOIN ended d ON d.run = r.no WHERE r.id = ?",
                    SqliteStore::head,
                    active.last(),
                    id.toString());
            return head.isEmpty() ? List.of() : chain(tx, head.get());
        });
    }

    private static Head head(ResultSet row) throws SQLException {
        String word = row.getString("outcome");
        HistoryEvent finish = null;
        if (word != null) {
            Outcome outcome = RowMapper.outcome(word, row.getString("detail"));
            finish = HistoryFormatter.finish(row.getLong("ended_at"), outcome);
        }
        return new Head(row.getLong("no"), RowMapper.spec(row), row.getLong("last"), finish);
    }

    private static List<HistoryEvent> chain(Transaction tx, Head head) throws SQLException {
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
                        HistoryFormatter.name(head.spec(), kind, row.getInt("step")),
                        row.getInt("attempt"),
                        message == null ? "" : message));
                no = row.getLong("prev");
            }
        }
        events.add(HistoryFormatter.start(head.spec()));
        Collections.reverse(events);
        return List.copyOf(events);
    }

    @Override
    List<RunId> children(RunId parent) {
        return database.read(tx -> tx.list(
                "SELECT id FROM run WHERE parent = ? ORDER BY no",
                row -> RowMapper.id(row.getString(1)),
                parent.toString()));
    }

    @Override
    int prune(int keep, long olderThan, int most) {
        HistoryDeletion.Victims victims = database.read(tx -> HistoryDeletion.find(tx, keep, olderThan, most));
        return victims.count() == 0 ? 0 : database.write(tx -> HistoryDeletion.delete(tx, victims));
    }
}
