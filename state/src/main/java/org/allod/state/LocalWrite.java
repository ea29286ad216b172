package org.allod.state;

import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/** A write to one row by this host, where rows are kept in memory; in a file, SQL says the same. */
public sealed interface LocalWrite {
    String table();

    RowKey key();

    /** Writes these columns; makes the row where it does not live. In a {@code whole-row} table, all of them. */
    record Put(String table, RowKey key, SortedMap<String, @Nullable Object> values) implements LocalWrite {}

    /** Deletes the row; without effect where it does not live. */
    record Delete(String table, RowKey key) implements LocalWrite {}
}
