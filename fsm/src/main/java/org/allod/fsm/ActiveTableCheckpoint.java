package org.allod.fsm;

import java.sql.SQLException;
import org.allod.store.Transaction;

/**
 * Why most changes write one row and not two. The commonest, a step that answered and another that follows, is said in
 * full by its event, so the row of {@code active} is left as it was: true up to its event {@code last}, and the later
 * events of its run say the rest. A start is said in full by the row of {@code run}: one that has neither ended nor a row
 * of {@code active} waits, and has one only if it lives for a while. Now and then, and always before they are read, the
 * rows are made and brought up to date from the log.
 *
 * <p>{@code folded} holds the run and the event up to which that was done, in the same transaction. So it is right whatever
 * is rolled back, and no restart reads more of the log than a few times {@link #EVENTS}.
 */
final class ActiveTableCheckpoint {
    /** Events between two foldings: a thousandth of a second's work each, and all that a restart adds to its own. */
    static final int EVENTS = 4096;

    private final int every;
    /** Belongs to the writer's thread. Only a reminder: what has been folded is in the file. */
    private long due;

    ActiveTableCheckpoint(int every) {
        this.every = every;
        this.due = every;
    }

    /** True where the row of the run, or the one event, says all that changed. */
    static boolean says(LogAppend append) {
        if (append.start().isPresent()) {
            return append.after() instanceof RunState.Waiting && append.events().isEmpty();
        }
        return append.after() instanceof RunState.Running
                && append.events().size() == 1
                && append.events().getFirst() instanceof Event.StepDone;
    }

    /** The last number given out: forgetting old runs may have removed that run, but never takes a number back. */
    static long lastRun(Transaction tx) throws SQLException {
        return tx.first(
                        "SELECT max(coalesce((SELECT max(no) FROM run), 0), (SELECT run FROM folded))",
                        row -> row.getLong(1))
                .orElse(0L);
    }

    /** The same of events. */
    static long lastEvent(Transaction tx) throws SQLException {
        return tx.first(
                        "SELECT max(coalesce((SELECT max(no) FROM event), 0), (SELECT no FROM folded))",
                        row -> row.getLong(1))
                .orElse(0L);
    }

    void ifDue(Transaction tx, long lastRun, long lastEvent) throws SQLException {
        if (lastEvent >= due) {
            now(tx, lastRun, lastEvent);
        }
    }

    /** Makes the rows that are missing and brings every row up to date; idempotent. */
    void now(Transaction tx, long lastRun, long lastEvent) throws SQLException {
        tx.update(
                "INSERT INTO active(run, last, answer, phase, step, attempt) SELECT r.no, 0, 0, 'waiting', 0, 0 FROM run r "
                        + "WHERE r.no > (SELECT run FROM folded) AND NOT EXISTS (SELECT 1 FROM ended d WHERE d.run = r.no) "
                        + "AND NOT EXISTS (SELECT 1 FROM active a WHERE a.run = r.no)");
        tx.update("UPDATE active SET last = e.last, answer = coalesce(e.answer, active.answer), phase = 'running', "
                + "step = e.step + 1, attempt = 1, outcome = NULL, detail = NULL, error = NULL "
                + "FROM (SELECT l.run, max(l.no) AS last, max(l.step) AS step, "
                + "max(CASE WHEN l.response IS NOT NULL THEN l.no END) AS answer "
                + "FROM event l CROSS JOIN active a ON a.run = l.run "
                + "WHERE l.no > (SELECT no FROM folded) AND l.no > a.last AND l.kind = 'step' GROUP BY l.run) AS e "
                + "WHERE active.run = e.run");
        tx.update("UPDATE folded SET run = ?, no = ?", lastRun, lastEvent);
        due = lastEvent + every;
    }
}
