package org.allod.state;

import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Finds the rows of which a range of change sets wrote some part. */
final class RowRefs {
    private RowRefs() {}

    static void find(RowStore store, TableSql table, int site, NumberSet.Range range, Set<Replica.RowRef> into)
            throws SQLException {
        find(store, table, table.refsBySet, site, range, into);
        if (!table.table.wholeRow()) {
            findCells(store, table, site, range, into);
        }
    }

    /** Only the rows of which a cell was written after the row. */
    static void findCells(RowStore store, TableSql table, int site, NumberSet.Range range, Set<Replica.RowRef> into)
            throws SQLException {
        find(store, table, table.cellRefsBySet, site, range, into);
    }

    private static void find(
            RowStore store, TableSql table, String sql, int site, NumberSet.Range range, Set<Replica.RowRef> into)
            throws SQLException {
        PreparedStatement statement = store.bind(sql, RowKey.of());
        statement.setInt(1, site);
        statement.setLong(2, range.first());
        statement.setLong(3, range.last());
        try (ResultSet rows = statement.executeQuery()) {
            while (rows.next()) {
                List<@Nullable Object> key = new ArrayList<>();
                for (int i = 0; i < table.table.key().size(); i++) {
                    key.add(Values.of(rows.getObject(i + 1)));
                }
                into.add(new Replica.RowRef(table.table.name(), new RowKey(key)));
            }
        }
    }
}
