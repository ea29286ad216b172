package org.allod.api;

import java.util.List;
import org.allod.machine.App;
import org.allod.machine.CheckStatus;
import org.allod.machine.Machine;
import org.allod.machine.MachineEvent;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.util.RawValue;

/** The JSON forms of the Machines API. */
final class MachineViews {
    static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    /** Maximum events in a machine's own JSON; a separate endpoint lists all of them. */
    static final int EVENTS = 20;

    private MachineViews() {}

    static ObjectNode machine(Machine m, List<MachineEvent> events, List<CheckStatus> checks) {
        ObjectNode node = brief(m);
        // The stored text is copied as it is, because parsing it into a tree only to write it again would be wasted.
        node.putRawValue("config", new RawValue(m.config().text().toString()));
        m.image().ifPresent(i -> {
            ObjectNode ref = node.putObject("image_ref");
            ref.put("registry", i.registry())
                    .put("repository", i.repository())
                    .put("tag", i.tag())
                    .put("digest", i.digest());
            ref.putObject("labels");
        });
        node.put("host_status", "ok").put("cordoned", m.cordoned()).put("runtime", m.runtime());
        ArrayNode list = node.putArray("events");
        events.forEach(e -> list.add(event(e)));
        ArrayNode answers = node.putArray("checks");
        checks.forEach(c -> answers.addObject()
                .put("name", c.name())
                .put("status", c.status())
                .put("output", c.output())
                .put("updated_at", c.updated().toString()));
        return node;
    }

    static ObjectNode brief(Machine m) {
        return JSON.objectNode()
                .put("id", m.id().text())
                .put("name", m.name())
                .put("state", m.state().wire())
                .put("region", m.region())
                .put("instance_id", m.version().toString())
                .put("version", m.version().toString())
                .put("private_ip", m.address())
                .put("created_at", m.created().toString())
                .put("updated_at", m.updated().toString());
    }

    static ObjectNode event(MachineEvent e) {
        ObjectNode node = JSON.objectNode()
                .put("id", e.id().toString())
                .put("type", e.type())
                .put("status", e.status())
                .put("source", e.source())
                .put("timestamp", e.at().toEpochMilli());
        node.set("request", e.request());
        return node;
    }

    static ObjectNode app(App app, int count, int volumes) {
        ObjectNode node = JSON.objectNode()
                .put("id", app.name())
                .put("name", app.name())
                .put("internal_numeric_id", app.network())
                .put("machine_count", count)
                .put("volume_count", volumes)
                .put("network", app.networkName().startsWith("app:") ? "default" : app.networkName())
                .put("status", count == 0 ? "pending" : "deployed");
        node.set("organization", organization());
        return node;
    }

    /** A host has one owner, so there is one organisation, with the slug that clients use for their own. */
    static ObjectNode organization() {
        return JSON.objectNode().put("name", "personal").put("slug", "personal").put("internal_numeric_id", 1);
    }
}
