package org.allod.api;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.allod.base.Nearest;
import org.allod.base.Rejected;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A request's body in which anything may be a secret. As strict as {@link org.allod.machine.Fields}, but no error
 * repeats what was sent: answers end up in logs and terminals.
 */
final class SecretBody {
    private static final JsonMapper JSON = JsonMapper.builder(JsonFactory.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private final ObjectNode node;

    private SecretBody(ObjectNode node) {
        this.node = node;
    }

    /** Reads the body, which may have these fields and no others. */
    static SecretBody of(Call call, List<String> allowed) {
        JsonNode root;
        try {
            root = call.bytes().length == 0 ? JSON.createObjectNode() : JSON.readTree(call.bytes());
        } catch (JacksonException e) {
            // Its message quotes the text it could not read.
            throw Rejected.invalid("the body is not JSON"
                    + (e.getLocation() == null
                            ? ""
                            : " (line " + e.getLocation().getLineNr() + ", column "
                                    + e.getLocation().getColumnNr() + ")"));
        }
        if (!(root instanceof ObjectNode object)) {
            throw Rejected.invalid("the body must be an object");
        }
        for (String name : object.propertyNames()) {
            if (!allowed.contains(name)) {
                String what = "the body has a field that is not known here: allowed are " + String.join(", ", allowed);
                throw Nearest.to(name, allowed)
                        .map(near -> Rejected.because(Rejected.Reason.INVALID, what, "did you mean " + near + "?"))
                        .orElseGet(() -> Rejected.invalid(what));
            }
        }
        return new SecretBody(object);
    }

    private Optional<JsonNode> get(String name) {
        return Optional.ofNullable(node.get(name)).filter(v -> !v.isNull());
    }

    /** A part that holds no secret, to be read as any other body is. */
    JsonNode node(String name) {
        return get(name).orElseThrow(() -> Rejected.invalid(name + " is missing: it must be an object"));
    }

    Optional<String> string(String name) {
        return get(name).map(v -> text(name, v));
    }

    Optional<SentBytes> bytes(String name) {
        return get(name).map(v -> SentBytes.read(name, v));
    }

    String required(String name) {
        return string(name).orElseThrow(() -> Rejected.invalid(name + " is missing: it must be a string"));
    }

    /** Strings by name, where {@code null} stands for nothing. */
    Map<String, Optional<String>> map(String name) {
        JsonNode map = get(name).orElseThrow(() -> Rejected.invalid(name + " is missing: an object of strings"));
        if (!(map instanceof ObjectNode object)) {
            throw Rejected.invalid(name + " must be an object of strings");
        }
        Map<String, Optional<String>> values = new LinkedHashMap<>();
        object.properties()
                .forEach(e -> values.put(
                        e.getKey(),
                        e.getValue().isNull()
                                ? Optional.empty()
                                : Optional.of(text(name + "." + e.getKey(), e.getValue()))));
        return values;
    }

    private static String text(String path, JsonNode value) {
        if (!value.isString()) {
            throw Rejected.invalid(path + " must be a string, not "
                    + value.getNodeType().name().toLowerCase(java.util.Locale.ROOT));
        }
        return value.stringValue();
    }
}
