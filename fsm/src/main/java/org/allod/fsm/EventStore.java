package org.allod.fsm;

import java.util.List;
import java.util.Optional;
import org.allod.store.Database;
import org.allod.store.WriteCallback;

/**
 * Where runs are recorded. There are two: {@link #sqlite}, and {@link SimulatedStore} for tests, which distinguishes
 * what was written from what would survive a crash.
 */
public abstract sealed class EventStore permits SqliteStore, SimulatedStore {
    EventStore() {}

    /** A store in the tables of {@link FsmSchema}; other parts of the host may share the database. */
    public static EventStore sqlite(Database database) {
        return new SqliteStore(database);
    }

    /** Records a change and calls back once it is on stable storage. A run has at most one append under way. */
    abstract void append(LogAppend append, WriteCallback<LogPosition> callback);

    /** Every active run, in the order of their starts. Called once, before the first append. */
    abstract List<ActiveRunRecord> load();

    abstract Optional<EndedRunRecord> ended(RunId id);

    /** Ended runs that started before {@code before}, youngest first. */
    abstract List<EndedRunRecord> ended(Optional<RunId> before, int limit);

    /** The events of one run in order; empty if it is not known. {@code active} is its position while it is active. */
    abstract List<HistoryEvent> history(RunId id, LogPosition active);

    abstract List<RunId> children(RunId parent);

    /** Deletes ended runs beyond {@code keep} and those that ended before {@code olderThan}; returns how many. */
    abstract int prune(int keep, long olderThan, int most);
}
