package org.allod.store;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link TransactionBody} may use: a connection inside a transaction, with a cache of prepared statements. Only
 * the thread that runs the body may use it, and only until the body returns.
 */
public final class Transaction {
    /** The bound of the cache. The program has a few dozen statements; the bound is for callers that build SQL. */
    private static final int STATEMENTS = 256;

    private final Connection connection;
    private final Map<String, PreparedStatement> statements = new LinkedHashMap<>(64, 0.75f, true);

    Transaction(Connection connection) {
        this.connection = connection;
    }

    /** Reads one row. */
    public interface Row<T extends @Nullable Object> {
        T read(ResultSet row) throws SQLException;
    }

    /** The cached prepared statement of this SQL. Bind every parameter, and do not close it. */
    public PreparedStatement prepared(String sql) throws SQLException {
        PreparedStatement known = statements.get(sql);
        if (known != null) {
            return known;
        }
        if (statements.size() >= STATEMENTS) {
            var oldest = statements.entrySet().iterator().next();
            statements.remove(oldest.getKey());
            oldest.getValue().close();
        }
        PreparedStatement fresh = connection.prepareStatement(sql);
        statements.put(sql, fresh);
        return fresh;
    }

    /** Runs a statement that changes rows; returns how many it changed. */
    public int update(String sql, @Nullable Object... values) throws SQLException {
        return bind(sql, values).executeUpdate();
    }

    /** Every row of a query. */
    public <T> List<T> list(String sql, Row<T> row, @Nullable Object... values) throws SQLException {
        try (ResultSet rows = bind(sql, values).executeQuery()) {
            List<T> result = new ArrayList<>();
            while (rows.next()) {
                result.add(row.read(rows));
            }
            return result;
        }
    }

    /** The first row of a query, if there is one. */
    public <T> Optional<T> first(String sql, Row<T> row, @Nullable Object... values) throws SQLException {
        try (ResultSet rows = bind(sql, values).executeQuery()) {
            return rows.next() ? Optional.of(row.read(rows)) : Optional.empty();
        }
    }

    private PreparedStatement bind(String sql, @Nullable Object... values) throws SQLException {
        PreparedStatement statement = prepared(sql);
        for (int i = 0; i < values.length; i++) {
            statement.setObject(i + 1, values[i]);
        }
        return statement;
    }

    /** Empties the cache, because the driver closes a statement for good after some failures. */
    void forget() {
        for (PreparedStatement statement : statements.values()) {
            try {
                statement.close();
            } catch (SQLException alreadyClosed) {
                // The statement may be broken already, which is why the cache is emptied.
            }
        }
        statements.clear();
    }

    Connection connection() {
        return connection;
    }
}
