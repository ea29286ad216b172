package org.allod.machine;

import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.allod.base.Bug;
import org.allod.base.MachineId;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
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
        JsonNode n = JSON.readTree(text);
        return new Machine(
                new MachineId(n.get("id").stringValue()),
                one(n.get("app").stringValue()),
                n.get("network").intValue(),
                n.get("name").stringValue(),
                one(n.get("region").stringValue()),
                one(n.get("runtime").stringValue()),
                one(MachineJson.version(n.get("version").stringValue())),
                config((ObjectNode) n.get("config")).skippingSecrets(n.has("skip_secrets")),
                Optional.ofNullable(n.get("image")).map(this::image),
                MachineState.parse(n.get("state").stringValue())
                        .orElseThrow(() -> new Bug("a state nobody knows in host.db: " + n.get("state"))),
                n.get("cordoned").booleanValue(),
                n.get("restarts").intValue(),
                Optional.ofNullable(n.get("started")).map(at -> Instant.parse(at.stringValue())),
                Instant.parse(n.get("created").stringValue()),
                Instant.parse(n.get("updated").stringValue()),
                n.get("address").stringValue());
    }

    private Machine.ImageRef image(JsonNode image) {
        return one(new Machine.ImageRef(
                image.get("registry").stringValue(),
                image.get("repository").stringValue(),
                image.get("tag").stringValue(),
                image.get("digest").stringValue()));
    }

    /** A configuration that was checked before it was kept. */
    MachineConfig config(ObjectNode json) {
        JsonText whole = JsonText.of(json);
        Map<String, String> labels = one(strings(json.remove("metadata")));
        Map<String, String> env = strings(json.remove("env"));
        return configs.computeIfAbsent(json.toString(), rest -> ConfigReader.read(Fields.of(json, "config")))
                .with(whole, env, labels);
    }

    private Map<String, String> strings(@Nullable JsonNode object) {
        Map<String, String> strings = new LinkedHashMap<>();
        if (object instanceof ObjectNode given) {
            given.properties()
                    .forEach(e -> strings.put(one(e.getKey()), e.getValue().stringValue()));
        }
        return strings;
    }

    @SuppressWarnings("unchecked") // what is equal to a T and of its class is one
    private <T> T one(T value) {
        return (T) shared.computeIfAbsent(value, v -> v);
    }
}
