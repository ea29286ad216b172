package org.allod.fsm;

import java.sql.SQLException;
import org.allod.store.Transaction;

/**
 * Lets most changes write one row instead of two. The commonest change, a step that returned and is followed by
 * another, is described in full by its event. So the row of {@code active} stays as it is: it is correct up to its
 * event {@code last}, and the later events of the run complete it. Likewise a start is described in full by the row of
 * {@code run}: a run without a row of {@code active} or {@code ended} is waiting. A checkpoint creates the missing rows
 * and brings all rows up to date from the log; it happens every {@link #EVENTS} events and always before the rows are
 * read.
 *
 * <p>{@code folded} holds the run and the event up to which the last checkpoint went. It is written in the same
 * transaction, so it is correct after any rollback, and no restart reads more of the log than a few times {@link
 * #EVENTS}.
 */
final class ActiveTableCheckpoint {
    /** Events between two checkpoints; a checkpoint of this many takes about a millisecond. */
    static final int EVENTS = 4096;

    private final int every;
    /**
     * When the next checkpoint is due. Owned by the writer's thread; only a hint, since {@code folded} is in the file.
     */
    private long due;

    ActiveTableCheckpoint(int every) {
        this.every = every;
        this.due = every;
    }

    /** Whether the row of {@code run}, or the one event, describes the whole change. */
    static boolean says(LogAppend append) {
        if (append.start().isPresent()) {
            return append.after() instanceof RunState.Waiting && append.events().isEmpty();
        }
        return append.after() instanceof RunState.Running
                && append.events().size() == 1
                && append.events().getFirst() instanceof Event.StepDone;
    }

    /** The last number given to a run. {@code folded} counts too, because that run may have been deleted since. */
    static long lastRun(Transaction tx) throws SQLException {
        return tx.first(
                        "SELECT max(coalesce((SELECT max(no) FROM run), 0), (SELECT run FROM folded))",
                        row -> row.getLong(1))
                .orElse(0L);
    }

    /** The same for events. */
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

    /** Creates the missing rows and brings every row up to date. Idempotent. */
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
