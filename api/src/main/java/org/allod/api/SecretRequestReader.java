package org.allod.api;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.allod.base.DidYouMean;
import org.allod.base.RejectedException;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads a request body in which any value may be a secret. As strict as {@link org.allod.machine.StrictJsonReader}, but
 * no error repeats the input, because responses end up in logs and terminals.
 */
final class SecretRequestReader {
    private static final JsonMapper JSON = JsonMapper.builder(JsonFactory.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private final ObjectNode node;

    private SecretRequestReader(ObjectNode node) {
        this.node = node;
    }

    /** Reads the body; fields other than these are refused. */
    static SecretRequestReader of(ApiRequest request, List<String> allowed) {
        JsonNode root;
        try {
            root = request.bytes().length == 0 ? JSON.createObjectNode() : JSON.readTree(request.bytes());
        } catch (JacksonException e) {
            // The parser's message quotes its input, so it is not passed on.
            throw RejectedException.invalid("the body is not JSON"
                    + (e.getLocation() == null
                            ? ""
                            : " (line " + e.getLocation().getLineNr() + ", column "
                                    + e.getLocation().getColumnNr() + ")"));
        }
        if (!(root instanceof ObjectNode object)) {
            throw RejectedException.invalid("the body must be an object");
        }
        for (String name : object.propertyNames()) {
            if (!allowed.contains(name)) {
                String what = "the body has an unknown field: allowed are " + String.join(", ", allowed);
                throw DidYouMean.nearest(name, allowed)
                        .map(near -> RejectedException.because(
                                RejectedException.Reason.INVALID, what, "did you mean " + near + "?"))
                        .orElseGet(() -> RejectedException.invalid(what));
            }
        }
        return new SecretRequestReader(object);
    }

    private Optional<JsonNode> get(String name) {
        return Optional.ofNullable(node.get(name)).filter(v -> !v.isNull());
    }

    /** A part without secrets, which may be read as any other body. */
    JsonNode node(String name) {
        return get(name).orElseThrow(() -> RejectedException.invalid(name + " is missing: it must be an object"));
    }

    Optional<String> string(String name) {
        return get(name).map(v -> text(name, v));
    }

    Optional<JsonBytes> bytes(String name) {
        return get(name).map(v -> JsonBytes.read(name, v));
    }

    String required(String name) {
        return string(name).orElseThrow(() -> RejectedException.invalid(name + " is missing: it must be a string"));
    }

    /** Strings by name; {@code null} becomes empty. */
    Map<String, Optional<String>> map(String name) {
        JsonNode map =
                get(name).orElseThrow(() -> RejectedException.invalid(name + " is missing: an object of strings"));
        if (!(map instanceof ObjectNode object)) {
            throw RejectedException.invalid(name + " must be an object of strings");
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
            throw RejectedException.invalid(path + " must be a string, not "
                    + value.getNodeType().name().toLowerCase(java.util.Locale.ROOT));
        }
        return value.stringValue();
    }
}
