package org.allod.api;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.allod.base.Rejected;
import org.allod.machine.Fields;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * One request, parsed as far as every endpoint needs it.
 *
 * @param endpoint which
 * @param caller who
 * @param parameters the parts of the path
 * @param query the query's parameters, each with its last value
 * @param headers by lower-case name
 * @param bytes the body; bounded by the server
 */
public record Call(
        Endpoint endpoint,
        Caller caller,
        Map<String, String> parameters,
        Map<String, String> query,
        Map<String, String> headers,
        byte[] bytes) {

    /** Bounds on what a body may make us build: depth, text and numbers; its size is the server's. */
    private static final JsonMapper JSON = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(64)
                            .maxStringLength(2 << 20)
                            .maxNumberLength(64)
                            .maxNameLength(1_000)
                            .build())
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    static Call of(
            Endpoint endpoint,
            Caller caller,
            Map<String, String> parameters,
            Map<String, List<String>> query,
            Map<String, String> headers,
            byte[] bytes) {
        Map<String, String> last = new LinkedHashMap<>();
        query.forEach((name, values) -> {
            // metadata.KEY filters are open-ended by the interface's definition.
            if (!endpoint.query().contains(name) && !name.startsWith("metadata.")) {
                throw Rejected.invalid("unknown query parameter %s: allowed are %s"
                        .formatted(name, endpoint.query().isEmpty() ? "none" : String.join(", ", endpoint.query())));
            }
            last.put(name, values.getLast());
        });
        return new Call(endpoint, caller, parameters, last, new TreeMap<>(headers), bytes);
    }

    /** A part of the path that the template names. */
    public String parameter(String name) {
        String value = parameters.get(name);
        if (value == null) {
            throw new IllegalArgumentException("no parameter " + name + " in " + endpoint.template());
        }
        return value;
    }

    /** A query parameter; an empty one counts as absent. */
    public Optional<String> query(String name) {
        return Optional.ofNullable(query.get(name)).filter(v -> !v.isEmpty());
    }

    /** A query parameter that is true or false; absent is false. */
    public boolean flag(String name) {
        return query(name)
                .map(value -> switch (value) {
                    case "true", "1" -> true;
                    case "false", "0" -> false;
                    default -> throw Rejected.invalid("%s is \"%s\": it must be true or false".formatted(name, value));
                })
                .orElse(false);
    }

    /** A query parameter that is a whole number within {@code [min, max]}. */
    public int number(String name, int min, int max, int otherwise) {
        Optional<String> text = query(name);
        if (text.isEmpty()) {
            return otherwise;
        }
        try {
            int number = Integer.parseInt(text.get());
            if (number >= min && number <= max) {
                return number;
            }
        } catch (NumberFormatException e) {
            // Said below, the same as a number out of range.
        }
        throw Rejected.invalid(
                "%s is \"%s\": it must be a whole number from %d to %d".formatted(name, text.get(), min, max));
    }

    /** The body as an object to be read field by field. An empty body is an empty object. */
    public Fields body() {
        return Fields.of(json(), "");
    }

    private JsonNode json() {
        if (bytes.length == 0) {
            return JSON.createObjectNode();
        }
        try {
            return JSON.readTree(bytes);
        } catch (JacksonException e) {
            String where = e.getLocation() == null
                    ? ""
                    : " (line " + e.getLocation().getLineNr() + ", column "
                            + e.getLocation().getColumnNr() + ")";
            throw Rejected.invalid("the body is not JSON: " + e.getOriginalMessage() + where);
        }
    }
}
