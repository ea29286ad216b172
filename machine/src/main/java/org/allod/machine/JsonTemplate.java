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
 * The bytes of a parsed record, with holes for the values of certain strings. A record whose bytes are equal outside
 * the holes is JSON of the same form with other strings, so it needs no parser: comparing a few ranges of bytes proves
 * it, ten times as fast. Immutable.
 *
 * <p>Only what is proved is accepted. A record that differs anywhere else, or whose strings hold anything but plain
 * ASCII without escapes, does not match, and the caller parses it in full.
 */
final class JsonTemplate {
    /** The strings whose values may differ. */
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
     * The place of a string's value within a record.
     *
     * @param key the key of a variable or of metadata; otherwise empty
     * @param from the index of its first byte, after the quote
     * @param to the index of the quote that ends it
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
    /** The bytes before, between and after the holes. */
    private final byte[][] pieces;

    private final int configFrom;
    private final int configTo;
    private final boolean ownEnv;
    private final boolean ownLabels;
    private final UnaryOperator<Map<String, String>> shared;

    /**
     * @param model the machine that the record was parsed to
     * @param holes in the order of the record
     * @param configFrom where the text of its configuration begins
     * @param configTo where that ends
     * @param shared returns one instance for equal metadata, so that machines share it
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

    /** The machine of a record that matches this template; null if it does not match. */
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
            return null; // the caller parses it in full and reports what is wrong
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

    /** A copy without spare capacity, since each machine keeps one. */
    private static Map<String, String> copy(Map<String, String> model) {
        return new LinkedHashMap<>(model);
    }

    /** Translates a position of the model's record, outside its holes, to this record. */
    private int moved(int place, int[] ends) {
        int by = 0;
        for (int i = 0; i < holes.size() && holes.get(i).to <= place; i++) {
            by = ends[i] - holes.get(i).to;
        }
        return place + by;
    }

    /** The index of the quote that ends a string; negative if the string is not plain ASCII or never ends. */
    private static int plainEnd(byte[] record, int from) {
        for (int i = from; i < record.length; i++) {
            byte b = record[i];
            if (b == '"') {
                return i;
            }
            // Bytes of multi-byte characters are negative, so this excludes them too.
            if (b < ' ' || b == '\\') {
                return -1;
            }
        }
        return -1;
    }
}
