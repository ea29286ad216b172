package org.allod.api;

import static org.allod.api.AppEndpoints.endpoint;

import io.netty.handler.codec.http.HttpMethod;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.allod.base.Rejected;
import org.allod.machine.Fields;
import org.allod.machine.Machine;
import org.allod.machine.Machines;
import org.allod.machine.Metadata;
import tools.jackson.databind.node.ObjectNode;

/** What people and programs keep beside a machine. A change makes no new version of it. */
final class MetadataEndpoints {
    private static final String ALL = MachineEndpoints.ONE + "/metadata";
    private static final String KEY = ALL + "/{key}";

    private final Machines machines;

    MetadataEndpoints(Machines machines) {
        this.machines = machines;
    }

    List<Endpoint> endpoints() {
        return List.of(
                endpoint(HttpMethod.GET, ALL, "Machines_show_metadata", "Show its metadata", List.of(), this::all),
                endpoint(
                        HttpMethod.PUT,
                        ALL,
                        "Machines_update_metadata",
                        "Set keys of its metadata, remove those that are null or empty",
                        List.of(),
                        this::update),
                endpoint(
                        HttpMethod.PATCH,
                        ALL,
                        "Machines_update_metadata",
                        "Set keys of its metadata, remove those that are null or empty",
                        List.of(),
                        this::update),
                endpoint(
                        HttpMethod.GET,
                        KEY,
                        "Machines_get_metadata_key",
                        "Show one key of its metadata",
                        List.of(),
                        this::one),
                endpoint(
                        HttpMethod.POST,
                        KEY,
                        "Machines_upsert_metadata",
                        "Set one key of its metadata",
                        List.of(),
                        this::set),
                endpoint(
                        HttpMethod.DELETE,
                        KEY,
                        "Machines_delete_metadata",
                        "Remove one key of its metadata",
                        List.of(),
                        this::remove));
    }

    private Answer all(Call call) {
        ObjectNode node = Views.JSON.objectNode();
        MachineEndpoints.machine(machines, call).config().metadata().forEach(node::put);
        return Answer.ok(node);
    }

    private Answer one(Call call) {
        Machine m = MachineEndpoints.machine(machines, call);
        String key = call.parameter("key");
        String value = m.config().metadata().get(key);
        if (value == null) {
            throw Rejected.notFound("machine " + m.id() + " has no metadata " + key);
        }
        return Answer.ok(Views.JSON.objectNode().put("value", value));
    }

    private Answer update(Call call) {
        return changed(call, change(call));
    }

    static Metadata change(Call call) {
        Fields in = call.body();
        Map<String, Optional<String>> keys = new LinkedHashMap<>();
        in.object("metadata")
                .orElseThrow(() -> Rejected.invalid("metadata is missing: an object of keys and their values"))
                .json()
                .properties()
                .forEach(e -> {
                    if (!e.getValue().isString() && !e.getValue().isNull()) {
                        throw Rejected.invalid("metadata.%s is %s: it must be a string, or null to remove it"
                                .formatted(e.getKey(), Fields.clip(e.getValue().toString())));
                    }
                    keys.put(
                            e.getKey(),
                            value(e.getValue().isNull() ? "" : e.getValue().stringValue()));
                });
        Optional<String> expected = in.string("machine_version").filter(v -> !v.isEmpty());
        noted(in);
        return new Metadata(keys, expected);
    }

    private Answer set(Call call) {
        Fields in = call.body();
        String value = in.string("value").orElseThrow(() -> Rejected.invalid("value is missing: a string"));
        noted(in);
        return changed(call, new Metadata(Map.of(call.parameter("key"), value(value)), Optional.empty()));
    }

    private Answer remove(Call call) {
        return changed(call, new Metadata(Map.of(call.parameter("key"), Optional.empty()), Optional.empty()));
    }

    private Answer changed(Call call, Metadata change) {
        machines.metadata(MachineEndpoints.living(machines, call), change, call.asker());
        return new Answer.Empty(204);
    }

    /** When the caller made the change. Changes are ordered here by their arrival, so it has nothing to decide. */
    private static void noted(Fields in) {
        in.string("updated_at");
        in.done();
    }

    /** Empty text removes a key, as null does. */
    private static Optional<String> value(String text) {
        return text.isEmpty() ? Optional.empty() : Optional.of(text);
    }
}
