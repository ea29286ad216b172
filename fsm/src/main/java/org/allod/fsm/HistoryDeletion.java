package org.allod.fsm;

import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.allod.store.Transaction;

/**
 * Deletes ended runs from the history. Finding them takes longer than deleting them, so a reader finds them in its own
 * snapshot; that is safe because ended runs never change and nothing else deletes them. The writer, for which all other
 * writes wait, only deletes ranges of numbers. There are few ranges, because runs that ended one after the other occupy
 * most of a section of the log.
 */
final class HistoryDeletion {
    /** Numbers from {@code first} to {@code last}, both included. */
    record Range(long first, long last) {}

    /** What is to be deleted: {@code count} runs, their numbers and those of their events. */
    record Victims(int count, List<Range> runs, List<Range> events) {}

    private HistoryDeletion() {}

    /** The runs that ended too long ago, or started before too many others, oldest first. */
    private static final String VICTIMS =
            "SELECT run, last FROM ended WHERE at < ?1 OR run <= ?2 ORDER BY run LIMIT ?3";

    /** All numbers in one row, because each row costs several calls through the driver. */
    private static final String RUNS = "SELECT group_concat(run) FROM (" + VICTIMS + ")";

    /** The events of each run to delete, found from its last one backwards. */
    private static final String EVENTS = "WITH RECURSIVE victim(run, last) AS MATERIALIZED (" + VICTIMS + "), "
            + "chain(no, prev) AS (SELECT e.no, e.prev FROM victim v JOIN event e ON e.no = v.last "
            + "UNION ALL SELECT e.no, e.prev FROM chain c JOIN event e ON e.no = c.prev) "
            + "SELECT group_concat(no) FROM chain";

    /** Finds the runs to delete. Call on a reader. */
    static Victims find(Transaction tx, int keep, long olderThan, int most) throws SQLException {
        long excess =
                tx.first("SELECT count(*) FROM ended", row -> row.getLong(1)).orElse(0L) - keep;
        // Count from the oldest; from the youngest it would scan everything that is kept.
        long upTo = excess <= 0
                ? -1
                : tx.first("SELECT run FROM ended ORDER BY run LIMIT 1 OFFSET ?", row -> row.getLong(1), excess - 1)
                        .orElse(-1L);
        long[] runs = numbers(tx, RUNS, olderThan, upTo, most);
        long[] events = runs.length == 0 ? runs : numbers(tx, EVENTS, olderThan, upTo, most);
        return new Victims(runs.length, ranges(runs), ranges(events));
    }

    private static long[] numbers(Transaction tx, String sql, long olderThan, long upTo, int most) throws SQLException {
        String joined = tx.first(sql, row -> Optional.ofNullable(row.getString(1)), olderThan, upTo, most)
                .orElseThrow()
                .orElse("");
        return joined.isEmpty()
                ? new long[0]
                : Arrays.stream(joined.split(","))
                        .mapToLong(Long::parseLong)
                        .sorted()
                        .toArray();
    }

    /** Ascending numbers as ranges without gaps. */
    static List<Range> ranges(long[] numbers) {
        List<Range> ranges = new ArrayList<>();
        int i = 0;
        while (i < numbers.length) {
            long first = numbers[i];
            long last = first;
            while (++i < numbers.length && numbers[i] == last + 1) {
                last++;
            }
            ranges.add(new Range(first, last));
        }
        return List.copyOf(ranges);
    }

    /** Deletes what {@link #find} found; returns how many runs. Call on the writer. */
    static int delete(Transaction tx, Victims victims) throws SQLException {
        delete(tx.prepared("DELETE FROM event WHERE no BETWEEN ? AND ?"), victims.events());
        delete(tx.prepared("DELETE FROM run WHERE no BETWEEN ? AND ?"), victims.runs());
        delete(tx.prepared("DELETE FROM ended WHERE run BETWEEN ? AND ?"), victims.runs());
        return victims.count();
    }

    private static void delete(PreparedStatement statement, List<Range> ranges) throws SQLException {
        for (Range range : ranges) {
            statement.setLong(1, range.first());
            statement.setLong(2, range.last());
            statement.executeUpdate();
        }
    }
}
