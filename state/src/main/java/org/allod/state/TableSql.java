package org.allod.state;

import java.util.List;
import java.util.stream.Collectors;

/** The statements for one table, put together once. */
final class TableSql {
    final TableSchema table;
    /** The columns by the ordinals that this file gave them, which never change. */
    final List<Column> columns;

    final String selectRow;
    final String upsertRow;
    final String deleteRow;
    final String selectMeta;
    final String upsertMeta;
    final String selectCells;
    final String insertCell;
    final String deleteCells;
    final String refsBySet;
    final String cellRefsBySet;
    final String insertFresh;
    /** Rows whose life a change set began or which it wrote whole, with their values. */
    final String rowsBySet;

    TableSql(TableSchema table, List<Column> columns) {
        this.table = table;
        this.columns = List.copyOf(columns);
        String name = '"' + table.name() + '"';
        List<String> keys = MetadataTables.keys(table);
        String metaKeys = String.join(", ", keys);
        String byKey = table.key().stream().map(c -> quote(c) + " = ?").collect(Collectors.joining(" AND "));
        String byMeta = keys.stream().map(k -> k + " = ?").collect(Collectors.joining(" AND "));
        String values = columns.stream().map(TableSql::quote).collect(Collectors.joining(", "));
        selectRow = "SELECT " + (columns.isEmpty() ? "1" : values) + " FROM " + name + " WHERE " + byKey;
        upsertRow = upsertRow(table, columns, name);
        deleteRow = "DELETE FROM " + name + " WHERE " + byKey;
        String row = MetadataTables.rowTable(table);
        String life = table.wholeRow() ? "epoch, version, dead" : "cl, version, columns";
        selectMeta = "SELECT " + life + ", site, num FROM " + row + " WHERE " + byMeta;
        upsertMeta = "INSERT INTO " + row + "(" + metaKeys + ", " + life + ", site, num) VALUES ("
                + marks(keys.size() + 5) + ") ON CONFLICT DO UPDATE SET "
                + List.of((life + ", site, num").split(", ")).stream()
                        .map(c -> c + " = excluded." + c)
                        .collect(Collectors.joining(", "));
        String cell = MetadataTables.cellTable(table);
        selectCells = "SELECT col, version, site, num FROM " + cell + " WHERE " + byMeta;
        insertCell = "INSERT OR REPLACE INTO " + cell + "(" + metaKeys + ", col, version, site, num) VALUES ("
                + marks(keys.size() + 4) + ")";
        deleteCells = "DELETE FROM " + cell + " WHERE " + byMeta;
        refsBySet = "SELECT " + metaKeys + " FROM " + row + " WHERE site = ? AND num BETWEEN ? AND ?";
        cellRefsBySet = "SELECT DISTINCT " + metaKeys + " FROM " + cell + " WHERE site = ? AND num BETWEEN ? AND ?";
        rowsBySet = rowsBySet(table, columns, keys, life);
        insertFresh = "INSERT INTO " + row + "(" + metaKeys + ", cl, version, columns, site, num) SELECT " + metaKeys
                + ", 1, 1, " + columns.size() + ", " + MetadataTables.SELF
                + ", ? FROM temp._allod_log WHERE tbl = ? AND seq BETWEEN ? AND ? ON CONFLICT DO NOTHING";
    }

    private static String rowsBySet(TableSchema table, List<Column> columns, List<String> keys, String life) {
        StringBuilder on = new StringBuilder();
        StringBuilder cell = new StringBuilder();
        for (int i = 0; i < keys.size(); i++) {
            String and = i == 0 ? "" : " AND ";
            on.append(and)
                    .append("t.")
                    .append(quote(table.key().get(i)))
                    .append(" = m.k")
                    .append(i);
            cell.append(and).append("c.k").append(i).append(" = m.k").append(i);
        }
        String of = List.of((String.join(", ", keys) + ", " + life).split(", ")).stream()
                .map(c -> "m." + c)
                .collect(Collectors.joining(", "));
        return "SELECT " + of + ", "
                + (table.wholeRow()
                        ? "0"
                        : "EXISTS(SELECT 1 FROM " + MetadataTables.cellTable(table) + " c WHERE " + cell + ")")
                + columns.stream().map(c -> ", t." + quote(c)).collect(Collectors.joining())
                + " FROM " + MetadataTables.rowTable(table) + " m LEFT JOIN \"" + table.name() + "\" t ON " + on
                + " WHERE m.site = ? AND m.num = ?";
    }

    int ordinal(String column) {
        for (int i = 0; i < columns.size(); i++) {
            if (columns.get(i).name().equals(column)) {
                return i;
            }
        }
        return -1;
    }

    private static String upsertRow(TableSchema table, List<Column> columns, String name) {
        String all = java.util.stream.Stream.concat(table.key().stream(), columns.stream())
                .map(TableSql::quote)
                .collect(Collectors.joining(", "));
        String insert = "INSERT INTO " + name + "(" + all + ") VALUES ("
                + marks(table.key().size() + columns.size()) + ") ON CONFLICT DO ";
        return columns.isEmpty()
                ? insert + "NOTHING"
                : insert + "UPDATE SET "
                        + columns.stream()
                                .map(c -> quote(c) + " = excluded." + quote(c))
                                .collect(Collectors.joining(", "));
    }

    private static String quote(Column column) {
        return '"' + column.name() + '"';
    }

    private static String marks(int count) {
        return String.join(", ", java.util.Collections.nCopies(count, "?"));
    }
}
