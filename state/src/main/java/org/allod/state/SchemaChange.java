package org.allod.state;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.allod.base.RejectedException;
import org.allod.store.Transaction;
import org.jspecify.annotations.Nullable;

/**
 * Changes the tables of a file to a wanted schema. It only adds: existing tables and columns stay. No row is read or
 * written, so a new column on a million rows takes one statement and sends nothing; its cells have version 0 until they
 * are written.
 */
final class SchemaChange {
    /** Parts of a column's definition that SQLite describes nowhere, so that they cannot be added later. */
    private static final Pattern OPAQUE = Pattern.compile("(?i)\\b(GENERATED|AS\\s*\\()");

    private SchemaChange() {}

    /** The layout of this file as it is. */
    static ReplicatedTables current(Transaction tx) throws SQLException {
        List<String> sql = tx.list(
                "SELECT sql FROM main.sqlite_schema WHERE sql IS NOT NULL AND tbl_name IN"
                        + " (SELECT tbl FROM _allod_column) ORDER BY type = 'index'",
                row -> row.getString(1));
        Map<String, List<String>> ordinals = new TreeMap<>();
        for (var entry : tx.list(
                "SELECT tbl, name FROM _allod_column WHERE ordinal >= 0 ORDER BY tbl, ordinal",
                row -> Map.entry(row.getString(1), row.getString(2)))) {
            ordinals.computeIfAbsent(entry.getKey(), t -> new ArrayList<>()).add(entry.getValue());
        }
        return new ReplicatedTables(SchemaReader.read(String.join(";\n", sql)), ordinals);
    }

    static void apply(Transaction tx, ReplicatedTables current, ReplicatedSchema wanted) throws SQLException {
        for (TableSchema had : current.schema.tables().values()) {
            TableSchema table = wanted.table(had.name())
                    .orElseThrow(() -> refused(had.name(), "the table is missing from the schema files"));
            widen(tx, had, table);
        }
        for (TableSchema table : wanted.tables().values()) {
            if (current.schema.table(table.name()).isEmpty()) {
                create(tx, table);
            }
        }
        indices(tx, current.schema.indices(), wanted.indices());
    }

    private static void create(Transaction tx, TableSchema table) throws SQLException {
        Optional<Integer> taken = tx.first("SELECT 1 FROM main.sqlite_schema WHERE name = ?", row -> 1, table.name());
        if (taken.isPresent()) {
            throw refused(table.name(), "the file holds a table of that name which is not replicated");
        }
        tx.update(table.sql());
        for (String sql : MetadataTables.create(table)) {
            tx.update(sql);
        }
        // A row of its own, so that a table without columns beside its key is known as well.
        column(tx, table.name(), -1, "");
        for (int i = 0; i < table.columns().size(); i++) {
            column(tx, table.name(), i, table.columns().get(i).name());
        }
    }

    private static void column(Transaction tx, String table, int ordinal, String name) throws SQLException {
        tx.update("INSERT INTO _allod_column(tbl, ordinal, name) VALUES (?, ?, ?)", table, ordinal, name);
    }

    private static void widen(Transaction tx, TableSchema had, TableSchema wanted) throws SQLException {
        if (!had.key().equals(wanted.key())) {
            throw refused(had.name(), "its primary key changes");
        }
        if (had.wholeRow() != wanted.wholeRow()) {
            throw refused(had.name(), "it changes between merging whole rows and merging cells");
        }
        for (Column column : had.columns()) {
            Column same = wanted.column(column.name())
                    .orElseThrow(() -> refused(had.name(), "its column '" + column.name() + "' is missing"));
            if (!same.type().equalsIgnoreCase(column.type())
                    || same.notNull() != column.notNull()
                    || !Objects.equals(same.defaultValue(), column.defaultValue())) {
                throw refused(had.name(), "its column '" + column.name() + "' changes");
            }
        }
        int ordinal = had.columns().size();
        for (Column column : wanted.columns()) {
            if (had.column(column.name()).isEmpty()) {
                if (OPAQUE.matcher(wanted.sql()).find()) {
                    throw refused(had.name(), "a column is added to a table with a generated column");
                }
                tx.update("ALTER TABLE \"%s\" ADD COLUMN \"%s\" %s%s%s"
                        .formatted(
                                had.name(),
                                column.name(),
                                column.type(),
                                column.notNull() ? " NOT NULL" : "",
                                column.defaultSql() == null ? "" : " DEFAULT " + column.defaultSql()));
                column(tx, had.name(), ordinal++, column.name());
            }
        }
    }

    private static void indices(Transaction tx, Map<String, String> had, Map<String, String> wanted)
            throws SQLException {
        for (Map.Entry<String, String> index : had.entrySet()) {
            if (!index.getValue().equals(wanted.get(index.getKey()))) {
                tx.update("DROP INDEX \"" + index.getKey() + "\"");
            }
        }
        for (Map.Entry<String, String> index : wanted.entrySet()) {
            @Nullable String before = had.get(index.getKey());
            if (!index.getValue().equals(before)) {
                tx.update(index.getValue());
            }
        }
    }

    private static RejectedException refused(String table, String why) {
        return RejectedException.because(
                RejectedException.Reason.UNSUPPORTED,
                "the schema change is refused: table '" + table + "': " + why,
                "a change may add tables, columns that are nullable or have a default, and indices; nothing was changed");
    }
}
