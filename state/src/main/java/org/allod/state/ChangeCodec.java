package org.allod.state;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Encodes and decodes row changes, for messages and for storage. */
final class ChangeCodec {
    private static final int CELLS = 0;
    private static final int REGISTER = 1;
    /** Far more than any table may have; keeps a hostile key from being a long list. */
    private static final int KEY_COLUMNS = 64;

    private ChangeCodec() {}

    static byte[] encode(ChangeSet set) {
        Encoder out = new Encoder();
        out.dot(set.dot());
        rows(out, set.rows());
        return out.bytes();
    }

    static ChangeSet decodeSet(byte[] bytes) {
        Decoder in = new Decoder(bytes);
        Dot dot = in.dot();
        List<RowChange> rows = rows(in);
        in.end();
        for (RowChange row : rows) {
            if (!row.state().writtenBy(dot::equals)) {
                throw new MalformedMessage("change set " + dot + " holds a row of another");
            }
        }
        return new ChangeSet(dot, rows);
    }

    static void rows(Encoder out, List<RowChange> rows) {
        out.number(rows.size());
        for (RowChange row : rows) {
            out.name(row.table());
            key(out, row.key());
            state(out, row.state());
        }
    }

    static List<RowChange> rows(Decoder in) {
        int count = in.count();
        List<RowChange> rows = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            rows.add(new RowChange(in.name(), key(in), state(in)));
        }
        return rows;
    }

    static void key(Encoder out, RowKey key) {
        out.number(key.values().size());
        key.values().forEach(out::value);
    }

    static RowKey key(Decoder in) {
        int columns = in.count();
        if (columns == 0 || columns > KEY_COLUMNS) {
            throw new MalformedMessage("a key of " + columns + " columns");
        }
        List<@Nullable Object> values = new ArrayList<>();
        for (int i = 0; i < columns; i++) {
            values.add(in.value());
        }
        return new RowKey(values);
    }

    static void state(Encoder out, RowState state) {
        switch (state) {
            case RowState.Cells c -> {
                out.octet(CELLS)
                        .number(c.causalLength())
                        .dot(c.born())
                        .number(c.cells().size());
                for (Map.Entry<String, Cell> cell : c.cells().entrySet()) {
                    out.name(cell.getKey())
                            .number(cell.getValue().version())
                            .dot(cell.getValue().dot())
                            .value(cell.getValue().value());
                }
            }
            case RowState.Register r -> {
                out.octet(REGISTER)
                        .signed(r.epoch())
                        .signed(r.version())
                        .octet(r.dead() ? 1 : 0)
                        .dot(r.dot());
                out.number(r.values().size());
                for (Map.Entry<String, @Nullable Object> value : r.values().entrySet()) {
                    out.name(value.getKey()).value(value.getValue());
                }
            }
        }
    }

    static RowState state(Decoder in) {
        int kind = in.octet();
        return switch (kind) {
            case CELLS -> cells(in);
            case REGISTER -> register(in);
            default -> throw new MalformedMessage("a row of kind " + kind);
        };
    }

    private static RowState cells(Decoder in) {
        long length = in.number();
        Dot born = in.dot();
        TreeMap<String, Cell> cells = new TreeMap<>();
        for (int i = in.count(); i > 0; i--) {
            String name = in.name();
            long version = in.number();
            Dot dot = in.dot();
            cells.put(name, new Cell(in.value(), version, dot));
            if (version <= 0) {
                throw new MalformedMessage("cell " + name + " has version " + version);
            }
        }
        if (length <= 0 || ((length & 1) == 0 && !cells.isEmpty())) {
            throw new MalformedMessage("a row of causal length " + length + " with " + cells.size() + " cells");
        }
        return new RowState.Cells(length, born, cells);
    }

    private static RowState register(Decoder in) {
        long epoch = in.signed();
        long version = in.signed();
        boolean dead = in.octet() != 0;
        Dot dot = in.dot();
        TreeMap<String, @Nullable Object> values = new TreeMap<>();
        for (int i = in.count(); i > 0; i--) {
            String name = in.name();
            values.put(name, in.value());
        }
        return new RowState.Register(epoch, version, dead, values, dot);
    }

    static void vector(Encoder out, VersionVector vector) {
        out.number(vector.sites().size());
        vector.sites().forEach((site, numbers) -> {
            out.site(site);
            List<NumberSet.Range> ranges = numbers.ranges();
            out.number(ranges.size());
            long last = 0;
            for (NumberSet.Range range : ranges) {
                out.number(range.first() - last).number(range.last() - range.first());
                last = range.last();
            }
        });
    }

    static VersionVector vector(Decoder in) {
        VersionVector vector = new VersionVector();
        for (int i = in.count(); i > 0; i--) {
            SiteId site = in.site();
            NumberSet numbers = new NumberSet();
            long last = 0;
            for (int r = in.count(); r > 0; r--) {
                long first = last + in.number();
                last = first + in.number();
                if (first <= 0 || last < first) {
                    throw new MalformedMessage("a range from " + first + " to " + last);
                }
                numbers.add(first, last);
            }
            vector.add(site, numbers);
        }
        return vector;
    }
}
