package org.allod.machine;

import org.allod.base.Bug;
import org.allod.base.Ulid;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** The JSON form of a machine's record in {@code host.db}. Clients see another form, which the API makes. */
final class MachineJson {
    private static final JsonMapper JSON = new JsonMapper();

    private MachineJson() {}

    static String write(Machine m) {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("id", m.id().text())
                .put("app", m.app())
                .put("network", m.network())
                .put("name", m.name())
                .put("region", m.region())
                .put("runtime", m.runtime())
                .put("version", m.version().toString())
                .put("state", m.state().wire())
                .put("cordoned", m.cordoned())
                .put("restarts", m.restarts())
                .put("created", m.created().toString())
                .put("updated", m.updated().toString())
                .put("address", m.address());
        m.started().ifPresent(at -> node.put("started", at.toString()));
        m.image()
                .ifPresent(i -> node.putObject("image")
                        .put("registry", i.registry())
                        .put("repository", i.repository())
                        .put("tag", i.tag())
                        .put("digest", i.digest()));
        node.set("config", m.config().json());
        if (m.config().skipSecrets()) {
            node.put("skip_secrets", true);
        }
        return node.toString();
    }

    static Machine read(String text) {
        return new BulkRecordReader().read(text);
    }

    /** Reads a configuration, which was validated before it was stored. */
    static MachineConfig config(JsonNode json) {
        return ConfigReader.read(StrictJsonReader.of(json, "config"));
    }

    static MachineConfig config(String json) {
        return config(JSON.readTree(json));
    }

    static ObjectNode object(String json) {
        return (ObjectNode) JSON.readTree(json);
    }

    static Ulid version(String text) {
        return Ulid.parse(text).orElseThrow(() -> new Bug("not a version in host.db: " + text));
    }
}
