package org.allod.state;

import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The obviously right merge: keeps every change ever made and works out each row from all of them by the definition. The
 * order they came in cannot matter, since a row is a function of the set.
 */
final class MergeOracle {
    private final List<RowChange> all = new ArrayList<>();

    void add(ChangeSet set) {
        all.addAll(set.rows());
    }

    SortedMap<RowKey, SortedMap<String, @Nullable Object>> table(TableSchema table) {
        TreeMap<RowKey, List<RowState>> byKey = new TreeMap<>();
        for (RowChange change : all) {
            if (change.table().equals(table.name())) {
                byKey.computeIfAbsent(change.key(), k -> new ArrayList<>()).add(change.state());
            }
        }
        TreeMap<RowKey, SortedMap<String, @Nullable Object>> result = new TreeMap<>();
        byKey.forEach((key, changes) -> {
            var row = table.wholeRow() ? register(table, changes) : cells(table, changes);
            if (row != null) {
                result.put(key, row);
            }
        });
        return result;
    }

    private static @Nullable SortedMap<String, @Nullable Object> cells(TableSchema table, List<RowState> changes) {
        long length = 0;
        for (RowState change : changes) {
            length = Math.max(length, ((RowState.Cells) change).causalLength());
        }
        if (length % 2 == 0) {
            return null;
        }
        TreeMap<String, @Nullable Object> row = new TreeMap<>();
        for (Column column : table.columns()) {
            Object value = column.defaultValue();
            long version = 0;
            for (RowState change : changes) {
                Cell cell = ((RowState.Cells) change).cells().get(column.name());
                if (((RowState.Cells) change).causalLength() != length || cell == null) {
                    continue;
                }
                boolean wins = cell.version() > version
                        || (cell.version() == version && Values.compare(cell.value(), value) > 0);
                if (wins) {
                    value = cell.value();
                    version = cell.version();
                }
            }
            row.put(column.name(), value);
        }
        return row;
    }

    private static @Nullable SortedMap<String, @Nullable Object> register(TableSchema table, List<RowState> changes) {
        RowState.Register best = null;
        for (RowState change : changes) {
            RowState.Register r = (RowState.Register) change;
            if (best == null || better(r, best)) {
                best = r;
            }
        }
        if (best == null || best.dead()) {
            return null;
        }
        TreeMap<String, @Nullable Object> row = new TreeMap<>();
        for (Column column : table.columns()) {
            row.put(
                    column.name(),
                    best.values().containsKey(column.name())
                            ? best.values().get(column.name())
                            : column.defaultValue());
        }
        return row;
    }

    private static boolean better(RowState.Register a, RowState.Register b) {
        if (a.epoch() != b.epoch()) {
            return a.epoch() > b.epoch();
        }
        if (a.version() != b.version()) {
            return a.version() > b.version();
        }
        if (a.dead() != b.dead()) {
            return a.dead();
        }
        return a.values().toString().compareTo(b.values().toString()) != 0
                && Values.compareRows(a.values(), b.values()) > 0;
    }
}
