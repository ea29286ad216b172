package org.allod.state;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The replicated tables as this host knows them, and the indices on them. Each host has its own; it is not replicated. */
public record ReplicatedSchema(Map<String, TableSchema> tables, Map<String, String> indices) {
    public ReplicatedSchema {
        tables = java.util.Collections.unmodifiableMap(new TreeMap<>(tables));
        indices = java.util.Collections.unmodifiableMap(new TreeMap<>(indices));
    }

    public static ReplicatedSchema of(TableSchema... tables) {
        Map<String, TableSchema> byName = new TreeMap<>();
        for (TableSchema table : List.of(tables)) {
            byName.put(table.name(), table);
        }
        return new ReplicatedSchema(byName, Map.of());
    }

    public Optional<TableSchema> table(String name) {
        return Optional.ofNullable(tables.get(name));
    }
}
