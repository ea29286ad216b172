package org.allod.machine;

import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.allod.base.Bug;
import org.allod.base.MachineId;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads many records as they are kept in {@code host.db}. Most machines of a host are like others: what is equal in two
 * of them is read once and shared, which is most of the time and of the memory that a hundred thousand take. Safe for
 * several threads; drop it once all are read.
 */
final class RecordReader {
    private static final JsonMapper JSON = new JsonMapper();

    /** Read configurations by their text without what differs from machine to machine. */
    private final Map<String, MachineConfig> configs = new ConcurrentHashMap<>();

    private final Map<Object, Object> shared = new ConcurrentHashMap<>();

    Machine read(String text) {
        Found found = new Found();
        try (JsonParser in = JSON.createParser(text)) {
            var _ = in.nextToken();
            while (in.nextToken() != JsonToken.END_OBJECT) {
                String name = in.currentName();
                switch (in.nextToken()) {
                    case START_OBJECT -> {
                        switch (name) {
                            case "config" -> found.config = config(in, text);
                            case "image" -> found.image = Optional.of(image(strings(in)));
                            default -> in.skipChildren();
                        }
                    }
                    case START_ARRAY -> in.skipChildren();
                    default -> found.values.put(name, in.getValueAsString(""));
                }
            }
        }
        return found.machine(this);
    }

    /** What has been read of a record: its fields come in any order. */
    private static final class Found {
        final Map<String, String> values = new HashMap<>();
        Optional<Machine.ImageRef> image = Optional.empty();

        @Nullable
        MachineConfig config;

        String of(String name) {
            String value = values.get(name);
            if (value == null) {
                throw new Bug("a record of host.db has no " + name);
            }
            return value;
        }

        Machine machine(RecordReader shared) {
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
                    shared.one(MachineJson.version(of("version"))),
                    read.skippingSecrets(values.containsKey("skip_secrets")),
                    image,
                    MachineState.parse(of("state"))
                            .orElseThrow(() -> new Bug("a state nobody knows in host.db: " + of("state"))),
                    Boolean.parseBoolean(of("cordoned")),
                    Integer.parseInt(of("restarts")),
                    Optional.ofNullable(values.get("started")).map(Instant::parse),
                    Instant.parse(of("created")),
                    Instant.parse(of("updated")),
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
     * A configuration that was checked before it was kept. It is known again by its text without what differs from
     * machine to machine, so that of most no tree is made.
     */
    private MachineConfig config(JsonParser in, String text) {
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
                env = strings(in);
            } else {
                labels = one(strings(in));
            }
            token = in.nextToken();
            if (own) {
                rest.append(text, from, begin);
                from = offset(in);
            }
        }
        String whole = text.substring(start, offset(in) + 1);
        rest.append(text, from, start + whole.length());
        return configs.computeIfAbsent(rest.toString(), like -> withoutOwn(whole))
                .with(JsonText.of(whole), env, labels);
    }

    private static MachineConfig withoutOwn(String whole) {
        ObjectNode json = (ObjectNode) JSON.readTree(whole);
        json.remove("metadata");
        json.remove("env");
        return ConfigReader.read(Fields.of(json, "config"));
    }

    /** Where the token begins in the text. */
    private static int offset(JsonParser in) {
        return Math.toIntExact(in.currentTokenLocation().getCharOffset());
    }

    private Map<String, String> strings(JsonParser in) {
        Map<String, String> strings = new LinkedHashMap<>();
        while (in.nextToken() != JsonToken.END_OBJECT) {
            String name = one(in.currentName());
            if (in.nextToken().isScalarValue()) {
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
