package org.allod.state;

import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Reads what is left of a change set from the rows it wrote: those it wrote whole in one query, the others one by one. */
final class ChangeSetReader {
    private final RowStore store;
    private final int site;
    private final Dot dot;
    private final List<RowChange> rows = new ArrayList<>();

    private ChangeSetReader(RowStore store, int site, Dot dot) {
        this.store = store;
        this.site = site;
        this.dot = dot;
    }

    static ChangeSet read(RowStore store, List<TableSql> tables, int site, Dot dot) throws SQLException {
        ChangeSetReader reader = new ChangeSetReader(store, site, dot);
        for (TableSql table : tables) {
            reader.table(table);
        }
        return new ChangeSet(dot, reader.rows);
    }

    private void table(TableSql sql) throws SQLException {
        Set<Replica.RowRef> mixed = new LinkedHashSet<>();
        PreparedStatement statement = store.bind(sql.rowsBySet, RowKey.of());
        statement.setInt(1, site);
        statement.setLong(2, dot.number());
        try (ResultSet row = statement.executeQuery()) {
            while (row.next()) {
                RowKey key = key(sql, row);
                if (row.getInt(key.values().size() + 4) != 0) {
                    mixed.add(new Replica.RowRef(sql.table.name(), key));
                } else {
                    rows.add(new RowChange(
                            sql.table.name(), key, state(sql, row, key.values().size())));
                }
            }
        }
        if (!sql.table.wholeRow()) {
            RowRefs.findCells(store, sql, site, new NumberSet.Range(dot.number(), dot.number()), mixed);
        }
        for (Replica.RowRef ref : mixed) {
            RowState state = store.read(sql, ref.key());
            if (state != null && state.writtenBy(dot::equals)) {
                rows.add(new RowChange(ref.table(), ref.key(), state.only(dot::equals)));
            }
        }
    }

    private static RowKey key(TableSql sql, ResultSet row) throws SQLException {
        List<@Nullable Object> key = new ArrayList<>();
        for (int i = 0; i < sql.table.key().size(); i++) {
            key.add(Values.of(row.getObject(i + 1)));
        }
        return new RowKey(key);
    }

    private RowState state(TableSql sql, ResultSet row, int at) throws SQLException {
        long first = row.getLong(at + 1);
        long version = row.getLong(at + 2);
        long third = row.getLong(at + 3);
        if (sql.table.wholeRow()) {
            TreeMap<String, @Nullable Object> values = new TreeMap<>();
            for (int i = 0; i < sql.columns.size() && third == 0; i++) {
                values.put(sql.columns.get(i).name(), Values.of(row.getObject(at + 5 + i)));
            }
            return new RowState.Register(first, version, third != 0, values, dot);
        }
        TreeMap<String, Cell> cells = new TreeMap<>();
        boolean alive = (first & 1) == 1;
        for (int i = 0; i < Math.min(third, sql.columns.size()) && alive && version > 0; i++) {
            cells.put(sql.columns.get(i).name(), new Cell(Values.of(row.getObject(at + 5 + i)), version, dot));
        }
        return new RowState.Cells(first, dot, cells);
    }
}
