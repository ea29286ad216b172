package org.allod.state;

import java.util.ArrayList;
import java.util.List;
import org.allod.store.Schema;

/**
 * The tables beside the replicated ones. Each row of a table {@code t} has one row in {@code _allod_row_t}: which change
 * set began its life, and one version for all the cells that change set wrote. Only a cell written later by another has a
 * row of its own, in {@code _allod_cell_t}. So a row that was inserted and left alone costs one small row and its place in
 * an index, not one a cell.
 */
final class MetadataTables {
    /** This host's own number in {@code _allod_site}. */
    static final int SELF = 1;

    static final Schema SCHEMA = new Schema(
            "state",
            List.of(List.of(
                    "CREATE TABLE _allod_site(ordinal INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE)",
                    "CREATE TABLE _allod_seen(site INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,"
                            + " PRIMARY KEY(site, first)) WITHOUT ROWID",
                    "CREATE TABLE _allod_column(tbl TEXT NOT NULL, ordinal INTEGER NOT NULL, name TEXT NOT NULL,"
                            + " PRIMARY KEY(tbl, ordinal)) WITHOUT ROWID",
                    "CREATE TABLE _allod_waiting(tbl TEXT NOT NULL, key BLOB NOT NULL, state BLOB NOT NULL,"
                            + " PRIMARY KEY(tbl, key)) WITHOUT ROWID")));

    private MetadataTables() {}

    static String rowTable(TableSchema table) {
        return "\"_allod_row_" + table.name() + "\"";
    }

    static String cellTable(TableSchema table) {
        return "\"_allod_cell_" + table.name() + "\"";
    }

    /** k0, k1 …: the key's columns, under names that clash with nothing. */
    static List<String> keys(TableSchema table) {
        List<String> names = new ArrayList<>();
        for (int i = 0; i < table.key().size(); i++) {
            names.add("k" + i);
        }
        return names;
    }

    static List<String> create(TableSchema table) {
        String keys = String.join(", ", keys(table));
        List<String> sql = new ArrayList<>();
        sql.add("CREATE TABLE %s(%s, %s, site INTEGER NOT NULL, num INTEGER NOT NULL, PRIMARY KEY(%s)) WITHOUT ROWID"
                .formatted(
                        rowTable(table),
                        keys,
                        table.wholeRow()
                                ? "epoch INTEGER NOT NULL, version INTEGER NOT NULL, dead INTEGER NOT NULL"
                                : "cl INTEGER NOT NULL, version INTEGER NOT NULL, columns INTEGER NOT NULL",
                        keys));
        sql.add("CREATE INDEX \"_allod_row_%s_by_set\" ON %s(site, num)".formatted(table.name(), rowTable(table)));
        if (!table.wholeRow()) {
            sql.add(("CREATE TABLE %s(%s, col INTEGER NOT NULL, version INTEGER NOT NULL, site INTEGER NOT NULL,"
                            + " num INTEGER NOT NULL, PRIMARY KEY(%s, col)) WITHOUT ROWID")
                    .formatted(cellTable(table), keys, keys));
            sql.add("CREATE INDEX \"_allod_cell_%s_by_set\" ON %s(site, num)"
                    .formatted(table.name(), cellTable(table)));
        }
        return sql;
    }
}
