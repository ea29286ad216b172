package org.allod.state;

import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.allod.store.Transaction;
import org.jspecify.annotations.Nullable;

/** Reads and writes rows with their metadata inside one transaction, and is used for that transaction only. */
final class RowStore {
    private final Transaction tx;
    private final ReplicatedTables layout;
    private final Map<SiteId, Integer> ordinals = new HashMap<>();
    private final Map<Integer, SiteId> sites = new HashMap<>();

    RowStore(Transaction tx, ReplicatedTables layout) {
        this.tx = tx;
        this.layout = layout;
    }

    /** Joins what is stored with what comes. What this schema does not know waits until it does. */
    void merge(RowChange change) throws SQLException {
        TableSql sql = layout.table(change.table());
        if (sql == null
                || sql.table.wholeRow() != change.state() instanceof RowState.Register
                || !fits(sql.table, change.key())) {
            wait(change);
            return;
        }
        RowState incoming = change.state();
        if (incoming instanceof RowState.Cells cells && !knows(sql, cells)) {
            wait(new RowChange(change.table(), change.key(), part(sql, cells, false)));
            incoming = part(sql, cells, true);
        } else if (incoming instanceof RowState.Register r
                && r.values().keySet().stream().anyMatch(c -> sql.ordinal(c) < 0)) {
            wait(change);
        }
        RowState known = read(sql, change.key());
        RowState joined = RowState.join(known, incoming);
        if (!joined.equals(known)) {
            write(sql, change.key(), joined, known == null);
        }
    }

    /** Whether SQLite can hold this key: a peer may have another idea of the table. */
    private static boolean fits(TableSchema table, RowKey key) {
        if (key.values().size() != table.key().size()) {
            return false;
        }
        boolean rowNumber =
                table.key().size() == 1 && table.key().getFirst().type().equalsIgnoreCase("INTEGER");
        for (Object value : key.values()) {
            boolean holds =
                    value != null && !(value instanceof Double d && d.isNaN()) && (!rowNumber || value instanceof Long);
            if (!holds) {
                return false;
            }
        }
        return true;
    }

    private static boolean knows(TableSql sql, RowState.Cells cells) {
        for (String name : cells.cells().keySet()) {
            if (sql.ordinal(name) < 0) {
                return false;
            }
        }
        return true;
    }

    private static RowState.Cells part(TableSql sql, RowState.Cells cells, boolean known) {
        TreeMap<String, Cell> part = new TreeMap<>(cells.cells());
        part.keySet().removeIf(name -> sql.ordinal(name) >= 0 != known);
        return new RowState.Cells(cells.causalLength(), cells.born(), part);
    }

    private void wait(RowChange change) throws SQLException {
        byte[] key = key(change.key());
        RowState known = tx.first(
                        "SELECT state FROM _allod_waiting WHERE tbl = ? AND key = ?",
                        row -> ChangeCodec.state(new Decoder(row.getBytes(1))),
                        change.table(),
                        key)
                .orElse(null);
        Encoder out = new Encoder();
        ChangeCodec.state(out, RowState.join(known, change.state()));
        tx.update(
                "INSERT OR REPLACE INTO _allod_waiting(tbl, key, state) VALUES (?, ?, ?)",
                change.table(),
                key,
                out.bytes());
    }

    private static byte[] key(RowKey key) {
        Encoder out = new Encoder();
        ChangeCodec.key(out, key);
        return out.bytes();
    }

    /** What waits for a table or column this schema does not have. */
    List<RowChange> waiting() throws SQLException {
        return tx.list(
                "SELECT tbl, key, state FROM _allod_waiting",
                row -> new RowChange(
                        row.getString(1),
                        ChangeCodec.key(new Decoder(row.getBytes(2))),
                        ChangeCodec.state(new Decoder(row.getBytes(3)))));
    }

    /** Tries again, after a change of the schema, what waited for one. */
    void retryWaiting() throws SQLException {
        List<RowChange> waiting = waiting();
        tx.update("DELETE FROM _allod_waiting");
        for (RowChange change : waiting) {
            merge(change);
        }
    }

    @Nullable
    RowState read(TableSql sql, RowKey key) throws SQLException {
        long[] meta = new long[5];
        try (ResultSet row = bind(sql.selectMeta, key).executeQuery()) {
            if (!row.next()) {
                return null;
            }
            for (int i = 0; i < meta.length; i++) {
                meta[i] = row.getLong(i + 1);
            }
        }
        Dot dot = new Dot(site((int) meta[3]), meta[4]);
        if (sql.table.wholeRow()) {
            TreeMap<String, @Nullable Object> values = new TreeMap<>();
            if (meta[2] == 0) {
                List<@Nullable Object> stored = values(sql, key);
                for (int i = 0; i < stored.size(); i++) {
                    values.put(sql.columns.get(i).name(), stored.get(i));
                }
            }
            return new RowState.Register(meta[0], meta[1], meta[2] != 0, values, dot);
        }
        TreeMap<String, Cell> cells = new TreeMap<>();
        if ((meta[0] & 1) == 1) {
            cells(sql, key, meta[1], (int) meta[2], dot, cells);
        }
        return new RowState.Cells(meta[0], dot, cells);
    }

    private void cells(TableSql sql, RowKey key, long version, int covered, Dot born, Map<String, Cell> into)
            throws SQLException {
        List<@Nullable Object> values = values(sql, key);
        if (values.isEmpty()) {
            return;
        }
        for (int i = 0; i < Math.min(covered, values.size()) && version > 0; i++) {
            into.put(sql.columns.get(i).name(), new Cell(values.get(i), version, born));
        }
        try (ResultSet row = bind(sql.selectCells, key).executeQuery()) {
            while (row.next()) {
                int ordinal = row.getInt(1);
                String name = sql.columns.get(ordinal).name();
                if (row.getLong(2) == 0) {
                    into.remove(name);
                } else {
                    Dot dot = new Dot(site(row.getInt(3)), row.getLong(4));
                    into.put(name, new Cell(values.get(ordinal), row.getLong(2), dot));
                }
            }
        }
    }

    /** All columns but the key; empty where the row does not live. */
    private List<@Nullable Object> values(TableSql sql, RowKey key) throws SQLException {
        List<@Nullable Object> values = new ArrayList<>();
        try (ResultSet row = bind(sql.selectRow, key).executeQuery()) {
            if (row.next()) {
                for (int i = 0; i < sql.columns.size(); i++) {
                    values.add(Values.of(row.getObject(i + 1)));
                }
            }
        }
        return values;
    }

    private void write(TableSql sql, RowKey key, RowState state, boolean fresh) throws SQLException {
        switch (state) {
            case RowState.Register r -> {
                writeRow(sql, key, r.dead() ? null : r.values());
                writeMeta(sql, key, r.epoch(), r.version(), r.dead() ? 1 : 0, r.dot());
            }
            case RowState.Cells c -> {
                TreeMap<String, @Nullable Object> values = new TreeMap<>();
                c.cells().forEach((name, cell) -> values.put(name, cell.value()));
                writeRow(sql, key, c.alive() ? values : null);
                if (!fresh) {
                    deleteCells(sql, key);
                }
                writeCells(sql, key, c);
            }
        }
    }

    private void writeRow(TableSql sql, RowKey key, @Nullable Map<String, @Nullable Object> values)
            throws SQLException {
        if (values == null) {
            bind(sql.deleteRow, key).executeUpdate();
            return;
        }
        PreparedStatement statement = bind(sql.upsertRow, key);
        int at = key.values().size();
        for (Column column : sql.columns) {
            Object value = values.containsKey(column.name()) ? values.get(column.name()) : column.defaultValue();
            boolean missing = value == null && column.notNull();
            statement.setObject(++at, Values.toDriver(missing ? column.defaultValue() : value));
        }
        statement.executeUpdate();
    }

    /** One version for the cells that the life's own change set wrote, and a row for each other cell. */
    private void writeCells(TableSql sql, RowKey key, RowState.Cells state) throws SQLException {
        long version = 0;
        for (Cell cell : state.cells().values()) {
            if (cell.dot().equals(state.born())) {
                version = cell.version();
                break;
            }
        }
        int covered = version == 0 ? 0 : sql.columns.size();
        writeMeta(sql, key, state.causalLength(), version, covered, state.born());
        for (int i = 0; i < sql.columns.size() && state.alive(); i++) {
            Cell cell = state.cells().get(sql.columns.get(i).name());
            if (cell == null) {
                if (i < covered) {
                    writeCell(sql, key, i, 0, state.born());
                }
            } else if (cell.version() != version || !cell.dot().equals(state.born())) {
                writeCell(sql, key, i, cell.version(), cell.dot());
            }
        }
    }

    void writeCell(TableSql sql, RowKey key, int ordinal, long version, Dot dot) throws SQLException {
        PreparedStatement statement = bind(sql.insertCell, key);
        int at = key.values().size();
        statement.setInt(at + 1, ordinal);
        statement.setLong(at + 2, version);
        statement.setInt(at + 3, ordinal(dot.site()));
        statement.setLong(at + 4, dot.number());
        statement.executeUpdate();
    }

    void writeMeta(TableSql sql, RowKey key, long a, long b, long c, Dot dot) throws SQLException {
        PreparedStatement statement = bind(sql.upsertMeta, key);
        int at = key.values().size();
        statement.setLong(at + 1, a);
        statement.setLong(at + 2, b);
        statement.setLong(at + 3, c);
        statement.setInt(at + 4, ordinal(dot.site()));
        statement.setLong(at + 5, dot.number());
        statement.executeUpdate();
    }

    void deleteCells(TableSql sql, RowKey key) throws SQLException {
        bind(sql.deleteCells, key).executeUpdate();
    }

    PreparedStatement bind(String sql, RowKey key) throws SQLException {
        PreparedStatement statement = tx.prepared(sql);
        for (int i = 0; i < key.values().size(); i++) {
            statement.setObject(i + 1, Values.toDriver(key.values().get(i)));
        }
        return statement;
    }

    int ordinal(SiteId site) throws SQLException {
        Integer known = ordinals.get(site);
        if (known != null) {
            return known;
        }
        byte[] id = new Encoder().site(site).bytes();
        tx.update("INSERT INTO _allod_site(id) VALUES (?) ON CONFLICT DO NOTHING", id);
        int ordinal = tx.first("SELECT ordinal FROM _allod_site WHERE id = ?", row -> row.getInt(1), id)
                .orElseThrow();
        ordinals.put(site, ordinal);
        sites.put(ordinal, site);
        return ordinal;
    }

    SiteId site(int ordinal) throws SQLException {
        SiteId known = sites.get(ordinal);
        if (known != null) {
            return known;
        }
        SiteId site = tx.first(
                        "SELECT id FROM _allod_site WHERE ordinal = ?",
                        row -> new Decoder(row.getBytes(1)).site(),
                        ordinal)
                .orElseThrow();
        sites.put(ordinal, site);
        ordinals.put(site, ordinal);
        return site;
    }
}
