package org.allod.state;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** How the replicated tables lie in this file: each with its statements, in a fixed order. Immutable. */
final class ReplicatedTables {
    final ReplicatedSchema schema;
    /** By number, which is what the capture log calls them. */
    final List<TableSql> tables;

    private final Map<String, TableSql> byName = new TreeMap<>();

    /** @param ordinals for each table, the names of its columns in the order in which this file met them */
    ReplicatedTables(ReplicatedSchema schema, Map<String, List<String>> ordinals) {
        this.schema = schema;
        List<TableSql> list = new ArrayList<>();
        for (TableSchema table : schema.tables().values()) {
            List<Column> columns = new ArrayList<>();
            for (String name : ordinals.getOrDefault(table.name(), List.of())) {
                columns.add(table.column(name).orElseThrow());
            }
            TableSql sql = new TableSql(table, columns);
            list.add(sql);
            byName.put(table.name(), sql);
        }
        this.tables = Collections.unmodifiableList(list);
    }

    @Nullable
    TableSql table(String name) {
        return byName.get(name);
    }

    int keyColumns() {
        int most = 1;
        for (TableSql sql : tables) {
            most = Math.max(most, sql.table.key().size());
        }
        return most;
    }
}
