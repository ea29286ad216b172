package org.allod.state;

import java.sql.SQLException;
import java.util.List;
import org.allod.store.Transaction;

/** What has been seen of one site, in the file: a row for each range. */
final class SeenTable {
    private SeenTable() {}

    static NumberSet read(Transaction tx, int site) throws SQLException {
        NumberSet numbers = new NumberSet();
        List<NumberSet.Range> ranges = tx.list(
                "SELECT first, last FROM _allod_seen WHERE site = ? ORDER BY first",
                row -> new NumberSet.Range(row.getLong(1), row.getLong(2)),
                site);
        ranges.forEach(r -> numbers.add(r.first(), r.last()));
        return numbers;
    }

    static void write(Transaction tx, int site, NumberSet numbers) throws SQLException {
        tx.update("DELETE FROM _allod_seen WHERE site = ?", site);
        for (NumberSet.Range range : numbers.ranges()) {
            tx.update("INSERT INTO _allod_seen(site, first, last) VALUES (?, ?, ?)", site, range.first(), range.last());
        }
    }
}
