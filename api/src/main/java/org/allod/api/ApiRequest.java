package org.allod.api;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.allod.base.RejectedException;
import org.allod.machine.Actor;
import org.allod.machine.StrictJsonReader;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * One request, parsed as far as every endpoint needs.
 *
 * @param endpoint the endpoint it is for
 * @param caller the authenticated caller
 * @param parameters the values of the path's parameters
 * @param query the query parameters, each with its values in order
 * @param headers by lower-case name
 * @param bytes the body; its size is limited by the server
 */
public record ApiRequest(
        Endpoint endpoint,
        Caller caller,
        Map<String, String> parameters,
        Map<String, List<String>> query,
        Map<String, String> headers,
        byte[] bytes) {

    /** The header that carries the nonce of a machine's lease. */
    static final String NONCE = "fly-machine-lease-nonce";

    /** Maximum values of one query parameter; the server limits their length. */
    private static final int MAX_LIST = 50;

    /**
     * Limits on the object tree that a body may produce: depth, text, numbers and number of values; the server limits
     * its size. A value of two bytes can cost sixty as an object, so without the last limit 4 MiB of brackets would
     * become 200 MiB.
     */
    private static final JsonMapper JSON = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(64)
                            .maxStringLength(2 << 20)
                            .maxNumberLength(64)
                            .maxNameLength(1_000)
                            .maxTokenCount(500_000)
                            .build())
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    static ApiRequest of(
            Endpoint endpoint,
            Caller caller,
            Map<String, String> parameters,
            Map<String, List<String>> query,
            Map<String, String> headers,
            byte[] bytes) {
        query.forEach((name, values) -> {
            // The interface allows any metadata.KEY filter.
            boolean filter = name.startsWith("metadata.") && endpoint.query().contains("metadata.*");
            if (!filter && !endpoint.query().contains(name)) {
                throw RejectedException.invalid("unknown query parameter %s: allowed are %s"
                        .formatted(name, endpoint.query().isEmpty() ? "none" : String.join(", ", endpoint.query())));
            }
        });
        return new ApiRequest(endpoint, caller, parameters, query, new TreeMap<>(headers), bytes);
    }

    /** The value of a path parameter. */
    public String parameter(String name) {
        String value = parameters.get(name);
        if (value == null) {
            throw new IllegalArgumentException("no parameter " + name + " in " + endpoint.template());
        }
        return value;
    }

    /** A query parameter's last value; an empty value counts as absent. */
    public Optional<String> query(String name) {
        return all(name).stream().reduce((first, second) -> second);
    }

    /** Every value of a query parameter, repeated or separated by commas. */
    public List<String> list(String name) {
        return all(name).stream()
                .flatMap(v -> java.util.Arrays.stream(v.split(",", MAX_LIST)))
                .filter(v -> !v.isEmpty())
                .toList();
    }

    /** The filters {@code metadata.KEY=VALUE}. */
    Map<String, String> labels() {
        Map<String, String> labels = new LinkedHashMap<>();
        query.forEach((name, values) -> {
            if (name.startsWith("metadata.")) {
                labels.put(name.substring("metadata.".length()), values.getLast());
            }
        });
        return labels;
    }

    private List<String> all(String name) {
        return query.getOrDefault(name, List.of()).stream()
                .filter(v -> !v.isEmpty())
                .toList();
    }

    /** A header's value, by its lower-case name. */
    public Optional<String> header(String name) {
        return Optional.ofNullable(headers.get(name)).map(String::strip).filter(v -> !v.isEmpty());
    }

    /** The actor for a change, with the lease nonce that the caller sent. */
    public Actor.Client asker() {
        return new Actor.Client(caller.name(), header(NONCE), caller.tenant());
    }

    /** A boolean query parameter; absent means false. */
    public boolean flag(String name) {
        return query(name)
                .map(value -> switch (value) {
                    case "true", "1" -> true;
                    case "false", "0" -> false;
                    default ->
                        throw RejectedException.invalid(
                                "%s is \"%s\": it must be true or false".formatted(name, value));
                })
                .orElse(false);
    }

    /** An integer query parameter within {@code [min, max]}. */
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
            // Reported below, like a number out of range.
        }
        throw RejectedException.invalid(
                "%s is \"%s\": it must be a whole number from %d to %d".formatted(name, text.get(), min, max));
    }

    /** The body as an object, to be read field by field. An empty body is an empty object. */
    public StrictJsonReader body() {
        return StrictJsonReader.of(json(), "");
    }

    /** For endpoints without a body: refuses a body that has fields. */
    void nothing() {
        body().done();
    }

    private JsonNode json() {
        if (bytes.length == 0) {
            return JSON.createObjectNode();
        }
        try {
            JsonNode read = JSON.readTree(bytes);
            return read.isNull() ? JSON.createObjectNode() : read;
        } catch (JacksonException e) {
            String where = e.getLocation() == null
                    ? ""
                    : " (line " + e.getLocation().getLineNr() + ", column "
                            + e.getLocation().getColumnNr() + ")";
            String what = e instanceof StreamConstraintsException
                    ? "the body exceeds a limit of the parser: "
                    : "the body is not JSON: ";
            throw RejectedException.invalid(what + e.getOriginalMessage() + where);
        }
    }
}
