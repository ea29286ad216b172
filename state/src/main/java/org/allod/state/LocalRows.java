package org.allod.state;

import java.util.SortedMap;
import java.util.TreeMap;
import org.allod.base.RejectedException;
import org.jspecify.annotations.Nullable;

/** What a write by this host makes of a row in memory. */
final class LocalRows {
    private LocalRows() {}

    static RowState put(@Nullable RowState known, LocalWrite.Put put, Dot dot) {
        RowState.Cells before = (RowState.Cells) known;
        if (before == null || !before.alive()) {
            TreeMap<String, Cell> cells = new TreeMap<>();
            put.values().forEach((name, value) -> cells.put(name, new Cell(value, 1, dot)));
            return new RowState.Cells(before == null ? 1 : before.causalLength() + 1, dot, cells);
        }
        TreeMap<String, Cell> cells = new TreeMap<>(before.cells());
        put.values().forEach((name, value) -> {
            Cell mine = cells.get(name);
            if (mine == null || Values.compare(mine.value(), value) != 0) {
                cells.put(name, new Cell(value, mine == null ? 1 : mine.version() + 1, dot));
            }
        });
        return cells.equals(before.cells()) ? before : new RowState.Cells(before.causalLength(), before.born(), cells);
    }

    static RowState putRegister(@Nullable RowState known, LocalWrite.Put put, Dot dot) {
        RowState.Register next = new RowState.Register(
                number(put, TableSchema.EPOCH), number(put, TableSchema.VERSION), false, put.values(), dot);
        if (known instanceof RowState.Register before && next.compareRegister(before) <= 0) {
            if (next.compareRegister(before) == 0) {
                return before;
            }
            throw RejectedException.because(
                    RejectedException.Reason.STALE,
                    "row %s of '%s': (epoch, version) = (%d, %d) is not above (%d, %d), which is stored"
                            .formatted(
                                    put.key(),
                                    put.table(),
                                    next.epoch(),
                                    next.version(),
                                    before.epoch(),
                                    before.version()),
                    "raise the version");
        }
        return next;
    }

    private static long number(LocalWrite.Put put, String column) {
        if (put.values().get(column) instanceof Long l) {
            return l;
        }
        throw RejectedException.invalid(
                "row %s of '%s': the column %s must be an integer".formatted(put.key(), put.table(), column));
    }

    static RowState delete(RowState known, Dot dot) {
        return switch (known) {
            case RowState.Cells c -> new RowState.Cells(c.causalLength() + 1, dot, new TreeMap<>());
            case RowState.Register r -> new RowState.Register(r.epoch(), r.version(), true, new TreeMap<>(), dot);
        };
    }

    static SortedMap<String, @Nullable Object> visible(TableSchema table, RowState state) {
        TreeMap<String, @Nullable Object> values = new TreeMap<>();
        for (Column column : table.columns()) {
            values.put(
                    column.name(),
                    switch (state) {
                        case RowState.Cells c -> {
                            Cell cell = c.cells().get(column.name());
                            yield cell == null ? column.defaultValue() : cell.value();
                        }
                        case RowState.Register r ->
                            r.values().containsKey(column.name())
                                    ? r.values().get(column.name())
                                    : column.defaultValue();
                    });
        }
        return values;
    }

    /** Everything about a row that must be equal on all hosts: not which of two equal writers is named. */
    static String content(String table, RowKey key, RowState state) {
        StringBuilder text = new StringBuilder(table).append(key);
        switch (state) {
            case RowState.Cells c -> {
                text.append(c.causalLength());
                c.cells()
                        .forEach((name, cell) -> text.append(name)
                                .append('=')
                                .append(cell.value())
                                .append('@')
                                .append(cell.version()));
            }
            case RowState.Register r ->
                text.append(r.epoch())
                        .append('.')
                        .append(r.version())
                        .append(r.dead())
                        .append(r.values());
        }
        return text.toString();
    }
}
