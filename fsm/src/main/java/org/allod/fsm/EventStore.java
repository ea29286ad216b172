package org.allod.fsm;

import java.util.List;
import java.util.Optional;
import org.allod.store.Database;
import org.allod.store.WriteCallback;

/**
 * Where runs are recorded. Two kinds: {@link #sqlite}, and {@link SimulatedStore} for tests, which keeps apart what was
 * written and what would survive a crash.
 */
public abstract sealed class EventStore permits SqliteStore, SimulatedStore {
    EventStore() {}

    /** In the tables of {@link FsmSchema} of a database, shared with others. */
    public static EventStore sqlite(Database database) {
        return new SqliteStore(database);
    }

    /** Records; the listener hears once the change is on stable storage. At most one append of a run is under way. */
    abstract void append(LogAppend append, WriteCallback<LogPosition> callback);

    /** Every active run, in the order of their starts. Called once, before the first append. */
    abstract List<ActiveRunRecord> load();

    abstract Optional<EndedRunRecord> ended(RunId id);

    /** Ended runs, youngest start first, from the one before {@code before} on. */
    abstract List<EndedRunRecord> ended(Optional<RunId> before, int limit);

    /** The events of one run in order; empty where it is not known. {@code active} is its place while it is active. */
    abstract List<HistoryEvent> history(RunId id, LogPosition active);

    abstract List<RunId> children(RunId parent);

    /** Forgets ended runs beyond {@code keep} and those that ended before {@code olderThan}; how many. */
    abstract int prune(int keep, long olderThan, int most);
}
