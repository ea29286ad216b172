package org.allod.machine;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.allod.base.Bug;
import org.allod.base.MachineId;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads many records from {@code host.db}. Most machines of a host resemble others, so what is equal in two records is
 * parsed once and shared; this saves most of the time and memory that a hundred thousand records take. Safe for several
 * threads; drop it once all records are read.
 */
final class BulkRecordReader {
    private static final JsonMapper JSON = new JsonMapper();

    /** How many templates are kept for an app. */
    private static final int SHAPES = 6;

    /** Where the app's name stands in what {@link MachineJson} writes. */
    private static final int APP_AT = "{\"id\":\"00000000000000\",\"app\":\"".length();

    /** Parsed configurations, by their text without the parts that differ from machine to machine. */
    private final Map<String, MachineConfig> configs = new ConcurrentHashMap<>();

    /** By app. */
    private final Map<String, List<JsonTemplate>> shapes = new ConcurrentHashMap<>();

    private final Map<Object, Object> shared = new ConcurrentHashMap<>();

    Machine read(String text) {
        return read(text.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * @param record in UTF-8
     * @throws Bug if it is JSON but no record
     * @throws tools.jackson.core.JacksonException if it is not JSON
     */
    Machine read(byte[] record) {
        List<JsonTemplate> alike = shapes.getOrDefault(app(record), List.of());
        for (JsonTemplate shape : alike) {
            Machine read = shape.read(record);
            if (read != null) {
                return read;
            }
        }
        return parse(record);
    }

    /** The text where an app's name is written; it selects the templates to try, so a wrong one costs only time. */
    private static String app(byte[] record) {
        int from = APP_AT;
        int to = from;
        while (to < record.length && record[to] != '"') {
            to++;
        }
        return to > from ? new String(record, from, to - from, StandardCharsets.ISO_8859_1) : "";
    }

    private Machine parse(byte[] record) {
        Found found = new Found();
        try (JsonParser in = JSON.createParser(record)) {
            var _ = in.nextToken();
            while (in.nextToken() != JsonToken.END_OBJECT) {
                String name = in.currentName();
                switch (in.nextToken()) {
                    case START_OBJECT -> {
                        switch (name) {
                            case "config" -> found.config = config(in, record, found);
                            case "image" -> found.image = Optional.of(image(strings(in, (key, at) -> {})));
                            default -> in.skipChildren();
                        }
                    }
                    case START_ARRAY -> in.skipChildren();
                    case VALUE_STRING -> {
                        int at = offset(in);
                        found.values.put(name, in.getValueAsString(""));
                        JsonTemplate.Slot.of(name).ifPresent(slot -> found.hole(slot, "", record, at));
                    }
                    default -> found.values.put(name, in.getValueAsString(""));
                }
            }
        }
        Machine machine = found.machine(this);
        if (found.configs == 1) {
            remember(record, machine, found);
        }
        return machine;
    }

    /** Keeps the newest templates of an app; during a deploy its machines have two or three forms. */
    private void remember(byte[] record, Machine machine, Found found) {
        JsonTemplate shape =
                new JsonTemplate(record, machine, found.holes, found.configFrom, found.configTo, this::one);
        shapes.merge(
                app(record),
                List.of(shape),
                (before, now) -> Stream.concat(now.stream(), before.stream())
                        .limit(SHAPES)
                        .toList());
    }

    /** What has been read of a record so far, since its fields come in any order. */
    private static final class Found {
        final Map<String, String> values = new HashMap<>();
        Optional<Machine.ImageRef> image = Optional.empty();

        @Nullable
        MachineConfig config;

        final List<JsonTemplate.Hole> holes = new ArrayList<>();
        int configFrom;
        int configTo;
        /** How often a configuration, or a part of it whose strings are holes, occurred; each must occur once. */
        int configs;

        void hole(JsonTemplate.Slot slot, String key, byte[] record, int quote) {
            JsonTemplate.Hole.at(slot, key, record, quote).ifPresent(holes::add);
        }

        String of(String name) {
            String value = values.get(name);
            if (value == null) {
                throw new Bug("a record of host.db has no " + name);
            }
            return value;
        }

        Machine machine(BulkRecordReader shared) {
            MachineConfig read = config;
            if (read == null) {
                throw new Bug("a record of host.db has no config");
            }
            return new Machine(
                    new MachineId(of("id")),
                    shared.one(of("app")),
                    Integer.parseInt(of("network")),
                    of("name"),
                    shared.one(of("region")),
                    shared.one(of("runtime")),
                    MachineJson.version(of("version")),
                    read.skippingSecrets(values.containsKey("skip_secrets")),
                    image,
                    MachineState.parse(of("state"))
                            .orElseThrow(() -> new Bug("a state nobody knows in host.db: " + of("state"))),
                    Boolean.parseBoolean(of("cordoned")),
                    Integer.parseInt(of("restarts")),
                    Optional.ofNullable(values.get("started")).map(InstantParser::parse),
                    InstantParser.parse(of("created")),
                    InstantParser.parse(of("updated")),
                    of("address"));
        }
    }

    private Machine.ImageRef image(Map<String, String> image) {
        return one(new Machine.ImageRef(
                image.getOrDefault("registry", ""),
                image.getOrDefault("repository", ""),
                image.getOrDefault("tag", ""),
                image.getOrDefault("digest", "")));
    }

    /**
     * Reads a configuration, which was validated before it was stored. It is looked up by its text without the parts
     * that differ from machine to machine, so that most need no tree of nodes.
     */
    private MachineConfig config(JsonParser in, byte[] record, Found found) {
        int start = offset(in);
        StringBuilder rest = new StringBuilder();
        int from = start;
        Map<String, String> labels = Map.of();
        Map<String, String> env = Map.of();
        JsonToken token = in.nextToken();
        while (token != JsonToken.END_OBJECT) {
            String name = in.currentName();
            boolean own = name.equals("metadata") || name.equals("env");
            int begin = offset(in);
            JsonToken value = in.nextToken();
            if (!own || value != JsonToken.START_OBJECT) {
                in.skipChildren();
            } else if (name.equals("env")) {
                found.configs += env.isEmpty() ? 0 : 1;
                env = strings(in, (key, at) -> found.hole(JsonTemplate.Slot.ENV, key, record, at));
            } else {
                found.configs += labels.isEmpty() ? 0 : 1;
                labels = one(strings(in, (key, at) -> found.hole(JsonTemplate.Slot.LABEL, key, record, at)));
            }
            token = in.nextToken();
            if (own) {
                rest.append(text(record, from, begin));
                from = offset(in);
            }
        }
        int end = offset(in) + 1;
        rest.append(text(record, from, end));
        found.configs++;
        found.configFrom = start;
        found.configTo = end;
        String whole = text(record, start, end);
        return configs.computeIfAbsent(rest.toString(), like -> withoutOwn(whole))
                .with(RawJson.wrap(whole), env, labels);
    }

    private static String text(byte[] record, int from, int to) {
        return new String(record, from, to - from, StandardCharsets.UTF_8);
    }

    private static MachineConfig withoutOwn(String whole) {
        ObjectNode json = (ObjectNode) JSON.readTree(whole);
        json.remove("metadata");
        json.remove("env");
        return ConfigReader.read(StrictJsonReader.of(json, "config"));
    }

    /** Where the token begins in the record. */
    private static int offset(JsonParser in) {
        return Math.toIntExact(in.currentTokenLocation().getByteOffset());
    }

    /** Called with the position of each string's opening quote. */
    private interface Strings {
        void at(String key, int quote);
    }

    private Map<String, String> strings(JsonParser in, Strings found) {
        Map<String, String> strings = new LinkedHashMap<>();
        while (in.nextToken() != JsonToken.END_OBJECT) {
            String name = one(in.currentName());
            JsonToken value = in.nextToken();
            if (value == JsonToken.VALUE_STRING) {
                found.at(name, offset(in));
            }
            if (value.isScalarValue()) {
                strings.put(name, in.getValueAsString(""));
            } else {
                in.skipChildren();
            }
        }
        return strings;
    }

    @SuppressWarnings("unchecked") // what is equal to a T and of its class is one
    private <T> T one(T value) {
        return (T) shared.computeIfAbsent(value, v -> v);
    }
}
