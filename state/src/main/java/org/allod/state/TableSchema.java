package org.allod.state;

import java.util.List;
import java.util.Optional;

/**
 * One replicated table.
 *
 * @param key the primary key's columns, in the key's order
 * @param columns the others, in the order of the table
 * @param wholeRow whether a row merges as one register by its columns {@code epoch} and {@code version}
 * @param sql the statement that makes it
 */
public record TableSchema(String name, List<Column> key, List<Column> columns, boolean wholeRow, String sql) {
    /** The columns by which whole rows are compared. */
    public static final String EPOCH = "epoch";

    public static final String VERSION = "version";

    public TableSchema {
        key = List.copyOf(key);
        columns = List.copyOf(columns);
    }

    public Optional<Column> column(String name) {
        return columns.stream().filter(c -> c.name().equals(name)).findFirst();
    }
}
