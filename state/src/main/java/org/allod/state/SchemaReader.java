package org.allod.state;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.allod.base.Bug;
import org.allod.base.RejectedException;
import org.jspecify.annotations.Nullable;

/**
 * Reads a replicated schema from plain SQL: {@code CREATE TABLE}, {@code CREATE INDEX} and {@code DROP INDEX IF EXISTS}.
 * SQLite itself parses it, in an empty database in memory; what it made is then looked at. A table merges whole rows where
 * its definition holds the comment {@code -- whole-row}.
 */
public final class SchemaReader {
    private static final Pattern WHOLE_ROW = Pattern.compile("(--|/\\*)\\s*whole-row\\b");
    /** What concurrent writers cannot keep true, or what makes two hosts disagree about which keys are equal. */
    private static final Pattern UNKEEPABLE = Pattern.compile("(?i)\\b(CHECK|COLLATE|AUTOINCREMENT)\\b");

    private static final Pattern STRICT = Pattern.compile("(?i)\\bSTRICT\\b[^)]*$");

    private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]{0,62}");
    /** The bit masks of captured updates are one SQLite integer. */
    private static final int COLUMNS = 60;

    private SchemaReader() {}

    /** @throws RejectedException naming the table, and what about it cannot be replicated */
    public static ReplicatedSchema read(String sql) {
        try (Connection memory = DriverManager.getConnection("jdbc:sqlite::memory:");
                Statement statement = memory.createStatement()) {
            try {
                statement.executeUpdate(sql);
            } catch (SQLException e) {
                throw RejectedException.invalid("the schema is not valid SQL: " + e.getMessage());
            }
            return describe(statement);
        } catch (SQLException e) {
            throw new Bug("describing a schema in memory", e);
        }
    }

    private static ReplicatedSchema describe(Statement s) throws SQLException {
        Map<String, String> tables = new TreeMap<>();
        Map<String, String> indices = new TreeMap<>();
        try (ResultSet rows = s.executeQuery("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL")) {
            while (rows.next()) {
                String name = rows.getString(2);
                switch (rows.getString(1)) {
                    case "table" -> tables.put(name, rows.getString(3));
                    case "index" -> indices.put(name, rows.getString(3));
                    default ->
                        throw RejectedException.because(
                                RejectedException.Reason.INVALID,
                                "the schema makes the " + rows.getString(1) + " '" + name + "'",
                                "use only CREATE TABLE, CREATE INDEX and DROP INDEX IF EXISTS");
                }
            }
        }
        Map<String, TableSchema> described = new TreeMap<>();
        for (Map.Entry<String, String> table : tables.entrySet()) {
            described.put(table.getKey(), table(s, table.getKey(), table.getValue()));
        }
        for (Map.Entry<String, String> index : indices.entrySet()) {
            if (index.getValue().toUpperCase(Locale.ROOT).startsWith("CREATE UNIQUE")) {
                throw refused(
                        index.getKey(), "is a unique index, which concurrent writers cannot keep unique", "index");
            }
        }
        return new ReplicatedSchema(described, indices);
    }

    private static RejectedException refused(String name, String why, String kind) {
        return RejectedException.because(
                RejectedException.Reason.UNSUPPORTED,
                "the " + kind + " '" + name + "' " + why,
                "docs/guide/state.md lists what a replicated schema may hold");
    }

    private static TableSchema table(Statement s, String name, String sql) throws SQLException {
        if (!NAME.matcher(name).matches() || name.startsWith("_allod") || name.startsWith("sqlite_")) {
            throw refused(name, "has a name that is reserved or not a plain word", "table");
        }
        if (rows(s, "SELECT count(*) FROM \"" + name + "\"") > 0) {
            throw refused(name, "is given rows by the schema; write them through the API", "table");
        }
        if (rows(s, "SELECT count(*) FROM pragma_foreign_key_list('" + name + "')") > 0) {
            throw refused(name, "has a foreign key, which concurrent writers cannot keep", "table");
        }
        if (rows(s, "SELECT count(*) FROM pragma_index_list('" + name + "') WHERE origin = 'u'") > 0) {
            throw refused(name, "has a UNIQUE constraint, which concurrent writers cannot keep unique", "table");
        }
        if (STRICT.matcher(sql).find()) {
            throw refused(name, "is STRICT, so that a change of another host could fail here", "table");
        }
        var unkeepable = UNKEEPABLE.matcher(sql);
        if (unkeepable.find()) {
            throw refused(
                    name,
                    "uses " + unkeepable.group().toUpperCase(Locale.ROOT) + ", which merging cannot keep",
                    "table");
        }
        List<Column> columns = new ArrayList<>();
        Map<Integer, Column> key = new TreeMap<>(Comparator.naturalOrder());
        List<Object[]> found = new ArrayList<>();
        try (ResultSet rows = s.executeQuery("PRAGMA table_xinfo(\"" + name + "\")")) {
            while (rows.next()) {
                found.add(new Object[] {
                    rows.getString("name"),
                    rows.getString("type"),
                    rows.getInt("notnull") == 1,
                    rows.getString("dflt_value"),
                    rows.getInt("pk"),
                    rows.getInt("hidden")
                });
            }
        }
        for (Object[] f : found) {
            Column column = column(s, name, f);
            int position = (int) f[4];
            if (position > 0) {
                key.put(position, column);
            } else if ((int) f[5] == 0) {
                columns.add(column);
            }
        }
        TableSchema table = new TableSchema(
                name, List.copyOf(key.values()), columns, WHOLE_ROW.matcher(sql).find(), sql);
        check(table);
        return table;
    }

    private static Column column(Statement s, String table, Object[] found) throws SQLException {
        String name = (String) found[0];
        if (!NAME.matcher(name).matches()) {
            throw refused(table, "has the column '" + name + "', whose name is not a plain word", "table");
        }
        String defaultSql = (String) found[3];
        return new Column(
                name, (String) found[1], (boolean) found[2], defaultSql, defaultValue(s, table, name, defaultSql));
    }

    private static @Nullable Object defaultValue(Statement s, String table, String column, @Nullable String sql)
            throws SQLException {
        if (sql == null) {
            return null;
        }
        if (sql.toUpperCase(Locale.ROOT).contains("CURRENT_") || sql.contains("(")) {
            throw refused(
                    table,
                    "has the default " + sql + " for '" + column + "', which is not the same on every host",
                    "table");
        }
        try (ResultSet row = s.executeQuery("SELECT " + sql)) {
            return row.next() ? Values.of(row.getObject(1)) : null;
        }
    }

    private static void check(TableSchema table) {
        if (table.key().isEmpty()) {
            throw refused(table.name(), "has no primary key", "table");
        }
        for (Column column : table.key()) {
            boolean rowid = table.key().size() == 1 && column.type().equalsIgnoreCase("INTEGER");
            if (!column.notNull() && !rowid) {
                throw refused(table.name(), "has the key column '" + column.name() + "' without NOT NULL", "table");
            }
        }
        if (table.columns().size() > COLUMNS) {
            throw refused(table.name(), "has more than " + COLUMNS + " columns beside its key", "table");
        }
        for (Column column : table.columns()) {
            if (column.notNull() && column.defaultValue() == null) {
                throw refused(
                        table.name(), "has the column '" + column.name() + "' NOT NULL without a default", "table");
            }
        }
        if (table.wholeRow()
                && (table.column(TableSchema.EPOCH).isEmpty()
                        || table.column(TableSchema.VERSION).isEmpty())) {
            throw refused(table.name(), "merges whole rows and lacks the columns 'epoch' and 'version'", "table");
        }
    }

    private static long rows(Statement s, String sql) throws SQLException {
        try (ResultSet row = s.executeQuery(sql)) {
            return row.next() ? row.getLong(1) : 0;
        }
    }
}
