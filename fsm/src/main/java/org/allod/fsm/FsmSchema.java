package org.allod.fsm;

import java.util.List;
import org.allod.store.Schema;

/**
 * The tables of this room; docs/decisions/010 has the reasons for their layout.
 *
 * <p>{@code event} is a log: rows are appended and never changed, so that a batch of events of many runs dirties few
 * pages. Each event names the previous one of its run, so a history is read without an index. {@code active} has one
 * small row for each active run, with all that a restart needs besides the run and its last response; runs and events
 * after those in {@code folded} may be missing from it ({@link ActiveTableCheckpoint}). {@code ended} gets one row when
 * a run ends.
 */
public final class FsmSchema {
    private FsmSchema() {}

    public static Schema schema() {
        return new Schema(
                "fsm",
                List.of(
                        List.of("""
                CREATE TABLE run(
                  no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, type TEXT NOT NULL, action TEXT NOT NULL,
                  subject TEXT NOT NULL, created INTEGER NOT NULL, not_before INTEGER NOT NULL, queue TEXT,
                  after_run TEXT, parent TEXT, traceparent TEXT, tracestate TEXT, steps TEXT NOT NULL,
                  finalizers TEXT NOT NULL, request BLOB NOT NULL)""", "CREATE INDEX run_parent ON run(parent) WHERE parent IS NOT NULL", """
                CREATE TABLE event(
                  no INTEGER PRIMARY KEY, run INTEGER NOT NULL, prev INTEGER NOT NULL, at INTEGER NOT NULL,
                  kind TEXT NOT NULL, step INTEGER NOT NULL, attempt INTEGER NOT NULL, message TEXT, response BLOB)""", """
                CREATE TABLE active(
                  run INTEGER PRIMARY KEY, last INTEGER NOT NULL, answer INTEGER NOT NULL, phase TEXT NOT NULL,
                  step INTEGER NOT NULL, attempt INTEGER NOT NULL, outcome TEXT, detail TEXT, error TEXT)""", """
                CREATE TABLE ended(
                  run INTEGER PRIMARY KEY, at INTEGER NOT NULL, last INTEGER NOT NULL, answer INTEGER NOT NULL,
                  outcome TEXT NOT NULL, detail TEXT NOT NULL)"""),
                        List.of(
                                "CREATE TABLE folded(no INTEGER NOT NULL)",
                                "INSERT INTO folded SELECT coalesce(max(no), 0) FROM event"),
                        List.of(
                                "ALTER TABLE folded ADD COLUMN run INTEGER NOT NULL DEFAULT 0",
                                "UPDATE folded SET run = (SELECT coalesce(max(no), 0) FROM run)")));
    }
}
