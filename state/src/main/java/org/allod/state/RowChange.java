package org.allod.state;

/** What a change says of one row. */
public record RowChange(String table, RowKey key, RowState state) {}
