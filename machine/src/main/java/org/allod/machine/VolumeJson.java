package org.allod.machine;

import java.time.Instant;
import java.util.Optional;
import org.allod.base.Bug;
import org.allod.base.MachineId;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** The JSON form of volumes and snapshots in {@code host.db}. Clients see another form, which the API makes. */
final class VolumeJson {
    private static final JsonMapper JSON = new JsonMapper();

    private VolumeJson() {}

    static String write(Volume v) {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("id", v.id().text())
                .put("app", v.app())
                .put("name", v.name())
                .put("region", v.region())
                .put("size_gb", v.sizeGb())
                .put("encrypted", v.encrypted())
                .put("state", v.state().wire())
                .put("auto_backup", v.autoBackup())
                .put("retention", v.retention())
                .put("created", v.created().toString())
                .put("updated", v.updated().toString());
        v.attached().ifPresent(m -> node.put("attached", m.text()));
        v.writer().ifPresent(w -> node.put("writer", w));
        v.copy().ifPresent(c -> put(node, c));
        return node.toString();
    }

    static Volume volume(String text) {
        JsonNode n = JSON.readTree(text);
        return new Volume(
                new VolumeId(n.get("id").stringValue()),
                n.get("app").stringValue(),
                n.get("name").stringValue(),
                n.get("region").stringValue(),
                n.get("size_gb").intValue(),
                n.get("encrypted").booleanValue(),
                VolumeState.parse(n.get("state").stringValue())
                        .orElseThrow(() -> new Bug("a volume's state nobody knows in host.db: " + n.get("state"))),
                text(n, "attached").map(MachineId::new),
                text(n, "writer"),
                n.get("auto_backup").booleanValue(),
                n.get("retention").intValue(),
                copy(n),
                Instant.parse(n.get("created").stringValue()),
                Instant.parse(n.get("updated").stringValue()));
    }

    static String write(VolumeSnapshot s) {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("id", s.id().text())
                .put("volume", s.volume().text())
                .put("app", s.app())
                .put("ready", s.ready())
                .put("bytes", s.bytes())
                .put("volume_gb", s.volumeGb())
                .put("encrypted", s.encrypted())
                .put("retention", s.retention())
                .put("scheduled", s.scheduled())
                .put("created", s.created().toString());
        s.writer().ifPresent(w -> node.put("writer", w));
        s.copy().ifPresent(c -> put(node, c));
        return node.toString();
    }

    static VolumeSnapshot snapshot(String text) {
        JsonNode n = JSON.readTree(text);
        return new VolumeSnapshot(
                new SnapshotId(n.get("id").stringValue()),
                new VolumeId(n.get("volume").stringValue()),
                n.get("app").stringValue(),
                n.get("ready").booleanValue(),
                n.get("bytes").longValue(),
                n.get("volume_gb").intValue(),
                n.get("encrypted").booleanValue(),
                text(n, "writer"),
                n.get("retention").intValue(),
                n.get("scheduled").booleanValue(),
                copy(n),
                Instant.parse(n.get("created").stringValue()));
    }

    private static void put(ObjectNode node, Volume.CopyNote copy) {
        node.putObject("copy").put("of", copy.of()).put("method", copy.method()).put("stillness", copy.stillness());
    }

    private static Optional<Volume.CopyNote> copy(JsonNode node) {
        return Optional.ofNullable(node.get("copy"))
                .map(c -> new Volume.CopyNote(
                        c.get("of").stringValue(),
                        c.get("method").stringValue(),
                        c.get("stillness").stringValue()));
    }

    private static Optional<String> text(JsonNode node, String name) {
        return Optional.ofNullable(node.get(name)).map(JsonNode::stringValue);
    }
}
