package org.allod.state;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.allod.base.RejectedException;
import org.allod.store.Transaction;
import org.jspecify.annotations.Nullable;

/**
 * Records which rows a transaction of this host wrote. Temporary triggers, which only the writer's connection has,
 * insert the key of each written row into a temporary log; before the commit the log is turned into metadata. Values
 * are not copied; they are read from the row when a change set is requested. (docs/decisions/202)
 */
final class ChangeCapture {
    /** Rows in one change set: what a receiver applies in one transaction, a few milliseconds of its writer's time. */
    static final int PIECE = 500;

    private static final int INSERT = 1;
    private static final int UPDATE = 2;

    private record Entry(TableSql sql, int op, long mask, RowKey key) {}

    private final Transaction tx;
    private final ReplicatedTables layout;
    private final RowStore store;
    private final SiteId self;
    /** The tables that were written, by number. */
    private final Set<Integer> touched = new TreeSet<>();

    ChangeCapture(Transaction tx, ReplicatedTables layout, RowStore store, SiteId self) {
        this.tx = tx;
        this.layout = layout;
        this.store = store;
        this.self = self;
    }

    /**
     * What makes the log and the triggers for this layout; run once on the writer's connection, and after each change
     * of it. The triggers call tables by their numbers in the layout, so the version says which one that is.
     */
    static List<String> setUp(ReplicatedTables layout, long version) {
        List<String> sql = new ArrayList<>();
        sql.add("DROP TABLE IF EXISTS temp._allod_log");
        sql.add("DROP TABLE IF EXISTS temp._allod_mode");
        sql.add("CREATE TEMP TABLE _allod_mode(local INTEGER NOT NULL, layout INTEGER NOT NULL)");
        sql.add("INSERT INTO temp._allod_mode VALUES (1, " + version + ")");
        String keys = names(layout.keyColumns());
        sql.add("CREATE TEMP TABLE _allod_log(seq INTEGER PRIMARY KEY, tbl INTEGER NOT NULL, op INTEGER NOT NULL,"
                + " mask INTEGER NOT NULL, " + keys + ")");
        for (int i = 0; i < layout.tables.size(); i++) {
            triggers(i, layout.tables.get(i), sql);
        }
        return sql;
    }

    private static String names(int keys) {
        return IntStream.range(0, keys).mapToObj(i -> "k" + i).collect(Collectors.joining(", "));
    }

    private static void triggers(int number, TableSql sql, List<String> into) {
        String table = sql.table.name();
        String columns = names(sql.table.key().size());
        String log = " BEGIN INSERT INTO _allod_log(tbl, op, mask, " + columns + ") ";
        String old = key(sql, "OLD.");
        String fresh = key(sql, "NEW.");
        String same = sql.table.key().stream()
                .map(c -> "OLD.\"%s\" IS NEW.\"%s\"".formatted(c.name(), c.name()))
                .collect(Collectors.joining(" AND "));
        String mask = IntStream.range(0, sql.columns.size())
                .mapToObj(i -> "((OLD.\"%1$s\" IS NOT NEW.\"%1$s\") << %2$d)"
                        .formatted(sql.columns.get(i).name(), i))
                .collect(Collectors.joining(" | "));
        for (String name : List.of("insert", "update", "rekey", "delete")) {
            into.add("DROP TRIGGER IF EXISTS temp.\"_allod_%s_%s\"".formatted(name, table));
        }
        String on = " ON main.\"" + table + "\" WHEN (SELECT local FROM _allod_mode)";
        into.add("CREATE TEMP TRIGGER \"_allod_insert_" + table + "\" AFTER INSERT" + on + log + "VALUES (" + number
                + ", 1, 0, " + fresh + "); END");
        into.add("CREATE TEMP TRIGGER \"_allod_delete_" + table + "\" AFTER DELETE" + on + log + "VALUES (" + number
                + ", 3, 0, " + old + "); END");
        if (!sql.columns.isEmpty()) {
            into.add("CREATE TEMP TRIGGER \"_allod_update_" + table + "\" AFTER UPDATE" + on + " AND " + same + log
                    + "SELECT " + number + ", 2, mask, " + fresh + " FROM (SELECT " + mask
                    + " AS mask) WHERE mask <> 0; END");
        }
        into.add("CREATE TEMP TRIGGER \"_allod_rekey_" + table + "\" AFTER UPDATE" + on + " AND NOT (" + same + ")"
                + log + "VALUES (" + number + ", 3, 0, " + old + "), (" + number + ", 1, 0, " + fresh + "); END");
    }

    private static String key(TableSql sql, String of) {
        return sql.table.key().stream().map(c -> of + '"' + c.name() + '"').collect(Collectors.joining(", "));
    }

    /** What a stretch of the log holds: whether it is inserts into one table alone, and into which. */
    private record Stretch(long last, boolean plain, int table) {}

    /** Turns the log into metadata, as change sets numbered from {@code next} on; how many. */
    int collect(long next) throws SQLException {
        Stretch all = stretch(1, Long.MAX_VALUE);
        int pieces = 0;
        for (long from = 1; from <= all.last; from += PIECE) {
            long to = Math.min(all.last, from + PIECE - 1);
            piece(from, to, all.last <= PIECE ? all : stretch(from, to), new Dot(self, next + pieces));
            pieces++;
        }
        if (all.last > 0) {
            tx.update("DELETE FROM temp._allod_log");
        }
        return pieces;
    }

    private Stretch stretch(long from, long to) throws SQLException {
        return tx.first(
                        "SELECT max(seq), min(tbl), max(tbl), min(op), max(op) FROM temp._allod_log WHERE seq BETWEEN ? AND ?",
                        row -> new Stretch(
                                row.getLong(1),
                                row.getInt(2) == row.getInt(3) && row.getInt(4) == INSERT && row.getInt(5) == INSERT,
                                row.getInt(2)),
                        from,
                        to)
                .orElseThrow();
    }

    /** The tables that were written. */
    List<TableSql> touched() {
        return touched.stream().map(layout.tables::get).toList();
    }

    private void piece(long from, long to, Stretch stretch, Dot dot) throws SQLException {
        if (stretch.plain && insertFresh(from, to, stretch.table, dot)) {
            return;
        }
        Set<RowKey> done = new HashSet<>();
        for (Entry entry : entries(from, to)) {
            if (entry.sql.table.wholeRow()) {
                register(entry, dot);
            } else {
                cells(entry, dot, done);
            }
        }
    }

    /** Rows that are all new, in one statement; false where some were there before, which then is seen row by row. */
    private boolean insertFresh(long from, long to, int table, Dot dot) throws SQLException {
        TableSql sql = layout.tables.get(table);
        if (sql.table.wholeRow()) {
            return false;
        }
        touched.add(table);
        return tx.update(sql.insertFresh, dot.number(), table, from, to) == to - from + 1;
    }

    private List<Entry> entries(long from, long to) throws SQLException {
        List<Entry> entries = new ArrayList<>();
        try (ResultSet rows = query(from, to)) {
            while (rows.next()) {
                int table = rows.getInt(1);
                touched.add(table);
                TableSql sql = layout.tables.get(table);
                List<@Nullable Object> key = new ArrayList<>();
                for (int i = 0; i < sql.table.key().size(); i++) {
                    key.add(Values.of(rows.getObject(4 + i)));
                }
                entries.add(new Entry(sql, rows.getInt(2), rows.getLong(3), new RowKey(key)));
            }
        }
        return entries;
    }

    private ResultSet query(long from, long to) throws SQLException {
        var statement = tx.prepared("SELECT tbl, op, mask, " + names(layout.keyColumns())
                + " FROM temp._allod_log WHERE seq BETWEEN ? AND ? ORDER BY seq");
        statement.setLong(1, from);
        statement.setLong(2, to);
        return statement.executeQuery();
    }

    private void cells(Entry entry, Dot dot, Set<RowKey> done) throws SQLException {
        RowState.Cells before = (RowState.Cells) store.read(entry.sql, entry.key);
        long length = before == null ? 0 : before.causalLength();
        boolean alive = (length & 1) == 1;
        int all = entry.sql.columns.size();
        switch (entry.op) {
            case INSERT -> {
                if (before == null || !alive) {
                    store.writeMeta(entry.sql, entry.key, length + 1, 1, all, dot);
                } else if (!before.born().equals(dot) || length > 1 || !done.add(entry.key)) {
                    bump(entry, before, -1, dot);
                }
            }
            case UPDATE -> {
                if (before != null && alive) {
                    bump(entry, before, entry.mask, dot);
                }
            }
            default -> {
                if (alive) {
                    store.deleteCells(entry.sql, entry.key);
                    store.writeMeta(entry.sql, entry.key, length + 1, 0, 0, dot);
                }
            }
        }
    }

    private void bump(Entry entry, RowState.Cells before, long mask, Dot dot) throws SQLException {
        for (int i = 0; i < entry.sql.columns.size(); i++) {
            if ((mask >>> i & 1) == 1) {
                Cell cell = before.cells().get(entry.sql.columns.get(i).name());
                long version = cell == null ? 0 : cell.version();
                // What this change set wrote already need not be told as written twice.
                if (cell == null || !cell.dot().equals(dot)) {
                    store.writeCell(entry.sql, entry.key, i, version + 1, dot);
                }
            }
        }
    }

    private void register(Entry entry, Dot dot) throws SQLException {
        RowState.Register before = (RowState.Register) store.read(entry.sql, entry.key);
        if (entry.op != INSERT && entry.op != UPDATE) {
            if (before != null && !before.dead()) {
                store.writeMeta(entry.sql, entry.key, before.epoch(), before.version(), 1, dot);
            }
            return;
        }
        var stored = tx.first(
                "SELECT \"epoch\", \"version\" FROM \"" + entry.sql.table.name() + "\" WHERE "
                        + entry.sql.table.key().stream()
                                .map(c -> '"' + c.name() + "\" = ?")
                                .collect(Collectors.joining(" AND ")),
                row -> new Object[] {Values.of(row.getObject(1)), Values.of(row.getObject(2))},
                entry.key.values().stream().map(Values::toDriver).toArray());
        if (stored.isEmpty()) {
            return;
        }
        if (!(stored.get()[0] instanceof Long epoch) || !(stored.get()[1] instanceof Long version)) {
            throw RejectedException.invalid(
                    "row %s of '%s': epoch and version must be integers".formatted(entry.key, entry.sql.table.name()));
        }
        if (before != null && !before.dot().equals(dot) && !above(epoch, version, before)) {
            throw RejectedException.because(
                    RejectedException.Reason.STALE,
                    "row %s of '%s': (epoch, version) = (%d, %d) is not above (%d, %d), which is stored"
                            .formatted(
                                    entry.key,
                                    entry.sql.table.name(),
                                    epoch,
                                    version,
                                    before.epoch(),
                                    before.version()),
                    "raise the version");
        }
        store.writeMeta(entry.sql, entry.key, epoch, version, 0, dot);
    }

    private static boolean above(long epoch, long version, RowState.Register before) {
        return epoch != before.epoch() ? epoch > before.epoch() : version > before.version();
    }
}
