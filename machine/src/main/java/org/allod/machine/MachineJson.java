package org.allod.machine;

import java.time.Instant;
import java.util.Optional;
import org.allod.base.Bug;
import org.allod.base.MachineId;
import org.allod.base.Ulid;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** A machine's record as it is kept in {@code host.db}. Not the form clients see; that is the API's. */
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
        return node.toString();
    }

    static Machine read(String text) {
        JsonNode n = JSON.readTree(text);
        JsonNode image = n.get("image");
        return new Machine(
                new MachineId(n.get("id").stringValue()),
                n.get("app").stringValue(),
                n.get("network").intValue(),
                n.get("name").stringValue(),
                n.get("region").stringValue(),
                n.get("runtime").stringValue(),
                version(n.get("version").stringValue()),
                config(n.get("config")),
                image == null
                        ? Optional.empty()
                        : Optional.of(new Machine.ImageRef(
                                image.get("registry").stringValue(),
                                image.get("repository").stringValue(),
                                image.get("tag").stringValue(),
                                image.get("digest").stringValue())),
                MachineState.parse(n.get("state").stringValue())
                        .orElseThrow(() -> new Bug("a state nobody knows in host.db: " + n.get("state"))),
                n.get("cordoned").booleanValue(),
                n.get("restarts").intValue(),
                Optional.ofNullable(n.get("started")).map(at -> Instant.parse(at.stringValue())),
                Instant.parse(n.get("created").stringValue()),
                Instant.parse(n.get("updated").stringValue()),
                n.get("address").stringValue());
    }

    /** A configuration that was checked before it was kept. */
    static MachineConfig config(JsonNode json) {
        return ConfigReader.read(Fields.of(json, "config"));
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
