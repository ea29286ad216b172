package org.allod.api;

import static org.allod.api.AppEndpoints.endpoint;

import io.netty.handler.codec.http.HttpMethod;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.allod.base.RejectedException;
import org.allod.machine.Machine;
import org.allod.machine.Machines;
import org.allod.machine.MetadataPatch;
import org.allod.machine.StrictJsonReader;
import tools.jackson.databind.node.ObjectNode;

/** Endpoints for a machine's metadata. A change creates no new version of the machine. */
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

    private Response all(ApiRequest request) {
        ObjectNode node = MachineViews.JSON.objectNode();
        MachineEndpoints.machine(machines, request).config().metadata().forEach(node::put);
        return Response.ok(node);
    }

    private Response one(ApiRequest request) {
        Machine m = MachineEndpoints.machine(machines, request);
        String key = request.parameter("key");
        String value = m.config().metadata().get(key);
        if (value == null) {
            throw RejectedException.notFound("machine " + m.id() + " has no metadata " + key);
        }
        return Response.ok(MachineViews.JSON.objectNode().put("value", value));
    }

    private Response update(ApiRequest request) {
        return changed(request, change(request));
    }

    static MetadataPatch change(ApiRequest request) {
        StrictJsonReader in = request.body();
        Map<String, Optional<String>> keys = new LinkedHashMap<>();
        in.object("metadata")
                .orElseThrow(() -> RejectedException.invalid("metadata is missing: an object of keys and their values"))
                .json()
                .properties()
                .forEach(e -> {
                    if (!e.getValue().isString() && !e.getValue().isNull()) {
                        throw RejectedException.invalid("metadata.%s is %s: it must be a string, or null to remove it"
                                .formatted(
                                        e.getKey(),
                                        StrictJsonReader.clip(e.getValue().toString())));
                    }
                    keys.put(
                            e.getKey(),
                            value(e.getValue().isNull() ? "" : e.getValue().stringValue()));
                });
        Optional<String> expected = in.string("machine_version").filter(v -> !v.isEmpty());
        noted(in);
        return new MetadataPatch(keys, expected);
    }

    private Response set(ApiRequest request) {
        StrictJsonReader in = request.body();
        String value = in.string("value").orElseThrow(() -> RejectedException.invalid("value is missing: a string"));
        noted(in);
        return changed(request, new MetadataPatch(Map.of(request.parameter("key"), value(value)), Optional.empty()));
    }

    private Response remove(ApiRequest request) {
        return changed(
                request, new MetadataPatch(Map.of(request.parameter("key"), Optional.empty()), Optional.empty()));
    }

    private Response changed(ApiRequest request, MetadataPatch change) {
        machines.metadata(MachineEndpoints.living(machines, request), change, request.asker());
        return new Response.Empty(204);
    }

    /** Reads the time that the caller claims for its change and ignores it: changes are ordered by arrival. */
    private static void noted(StrictJsonReader in) {
        in.string("updated_at");
        in.done();
    }

    /** An empty string removes a key, as null does. */
    private static Optional<String> value(String text) {
        return text.isEmpty() ? Optional.empty() : Optional.of(text);
    }
}
