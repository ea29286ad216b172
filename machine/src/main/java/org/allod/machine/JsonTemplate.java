package org.allod.machine;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.allod.base.MachineId;
import org.allod.base.Ulid;
import org.jspecify.annotations.Nullable;

/**
 * What a record that has been read has in common with others like it: its bytes, but for the values of some strings. A
 * record whose bytes are the same but for those values is JSON of the same form with other strings in it, so it needs no
 * parser: comparing some pieces of memory proves it, and is ten times as fast. Immutable.
 *
 * <p>It takes only what it can prove. A record that differs anywhere else, or in whose strings there is anything but
 * plain ASCII, is not of this shape, and whoever asked reads it in full.
 */
final class JsonTemplate {
    /** Whose value may differ. */
    enum Slot {
        ID,
        NAME,
        VERSION,
        STATE,
        STARTED,
        CREATED,
        UPDATED,
        ADDRESS,
        ENV,
        LABEL;

        static Optional<Slot> of(String field) {
            return switch (field) {
                case "id" -> Optional.of(ID);
                case "name" -> Optional.of(NAME);
                case "version" -> Optional.of(VERSION);
                case "state" -> Optional.of(STATE);
                case "started" -> Optional.of(STARTED);
                case "created" -> Optional.of(CREATED);
                case "updated" -> Optional.of(UPDATED);
                case "address" -> Optional.of(ADDRESS);
                default -> Optional.empty();
            };
        }
    }

    /**
     * A string's value within a record.
     *
     * @param key of a variable or a label; else empty
     * @param from the first byte of it, after the quote
     * @param to the quote that ends it
     */
    record Hole(Slot slot, String key, int from, int to) {
        /** The one whose opening quote is there; nothing where its value is not plain. */
        static Optional<Hole> at(Slot slot, String key, byte[] record, int quote) {
            int end = plainEnd(record, quote + 1);
            return end < 0 ? Optional.empty() : Optional.of(new Hole(slot, key, quote + 1, end));
        }
    }

    private final Machine model;
    private final List<Hole> holes;
    /** What is before, between and after the holes. */
    private final byte[][] pieces;

    private final int configFrom;
    private final int configTo;
    private final boolean ownEnv;
    private final boolean ownLabels;
    private final UnaryOperator<Map<String, String>> shared;

    /**
     * @param model what the record turned out to be
     * @param holes in the order of the record
     * @param configFrom where the text of its configuration begins
     * @param configTo where that ends
     * @param shared the labels that are equal to these, for all machines that have them
     */
    JsonTemplate(
            byte[] record,
            Machine model,
            List<Hole> holes,
            int configFrom,
            int configTo,
            UnaryOperator<Map<String, String>> shared) {
        this.model = model;
        this.holes = List.copyOf(holes);
        this.configFrom = configFrom;
        this.configTo = configTo;
        this.shared = shared;
        ownEnv = holes.stream().anyMatch(h -> h.slot == Slot.ENV);
        ownLabels = holes.stream().anyMatch(h -> h.slot == Slot.LABEL);
        List<byte[]> between = new ArrayList<>();
        int from = 0;
        for (Hole hole : holes) {
            between.add(Arrays.copyOfRange(record, from, hole.from));
            from = hole.to;
        }
        between.add(Arrays.copyOfRange(record, from, record.length));
        pieces = between.toArray(byte[][]::new);
    }

    /** The machine of a record of this shape; nothing where it is not of this shape. */
    @Nullable
    Machine read(byte[] record) {
        int[] starts = new int[pieces.length];
        int[] ends = new int[pieces.length];
        int at = 0;
        for (int i = 0; i < pieces.length; i++) {
            byte[] piece = pieces[i];
            int end = at + piece.length;
            if (end > record.length || !Arrays.equals(record, at, end, piece, 0, piece.length)) {
                return null;
            }
            if (i == pieces.length - 1) {
                return end == record.length ? machine(record, starts, ends) : null;
            }
            starts[i] = end;
            at = plainEnd(record, end);
            ends[i] = at;
            if (at < 0) {
                return null;
            }
        }
        return null;
    }

    private @Nullable Machine machine(byte[] record, int[] starts, int[] ends) {
        MachineId id = model.id();
        String name = model.name();
        Optional<Ulid> version = Optional.of(model.version());
        Optional<MachineState> state = Optional.of(model.state());
        Optional<Instant> started = model.started();
        Instant created = model.created();
        Instant updated = model.updated();
        String address = model.address();
        Map<String, String> env =
                ownEnv ? copy(model.config().env()) : model.config().env();
        Map<String, String> labels =
                ownLabels ? copy(model.config().metadata()) : model.config().metadata();
        for (int i = 0; i < holes.size(); i++) {
            Hole hole = holes.get(i);
            String value = new String(record, starts[i], ends[i] - starts[i], StandardCharsets.ISO_8859_1);
            switch (hole.slot) {
                case ID -> id = new MachineId(value);
                case NAME -> name = value;
                case VERSION -> version = Ulid.parse(value);
                case STATE -> state = MachineState.parse(value);
                case STARTED -> started = Optional.of(InstantParser.parse(value));
                case CREATED -> created = InstantParser.parse(value);
                case UPDATED -> updated = InstantParser.parse(value);
                case ADDRESS -> address = value;
                case ENV -> env.put(hole.key, value);
                case LABEL -> labels.put(hole.key, value);
            }
        }
        if (version.isEmpty() || state.isEmpty()) {
            return null; // whoever reads it in full says what is wrong with it
        }
        RawJson text = RawJson.wrap(Arrays.copyOfRange(record, moved(configFrom, ends), moved(configTo, ends)));
        return new Machine(
                id,
                model.app(),
                model.network(),
                name,
                model.region(),
                model.runtime(),
                version.get(),
                model.config().with(text, env, ownLabels ? shared.apply(labels) : labels),
                model.image(),
                state.get(),
                model.cordoned(),
                model.restarts(),
                started,
                created,
                updated,
                address);
    }

    /** As large as it has to be, and no larger: each machine keeps one. */
    private static Map<String, String> copy(Map<String, String> model) {
        return new LinkedHashMap<>(model);
    }

    /** Where a place of the model's record, outside of its holes, is in this one. */
    private int moved(int place, int[] ends) {
        int by = 0;
        for (int i = 0; i < holes.size() && holes.get(i).to <= place; i++) {
            by = ends[i] - holes.get(i).to;
        }
        return place + by;
    }

    /** Where the quote is that ends a string; less than 0 where the string is not plain ASCII, or never ends. */
    private static int plainEnd(byte[] record, int from) {
        for (int i = from; i < record.length; i++) {
            byte b = record[i];
            if (b == '"') {
                return i;
            }
            // Also those of more than one byte, which are negative.
            if (b < ' ' || b == '\\') {
                return -1;
            }
        }
        return -1;
    }
}
