package org.allod.machine;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.allod.base.DidYouMean;
import org.allod.base.RejectedException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads one JSON object field by field and remembers which fields were read, so that {@link #done} can refuse the rest:
 * no field is accepted and then ignored. Every refusal names the field by its full path, what was found and what is
 * allowed. Not thread-safe.
 *
 * <p>A JSON {@code null} counts as absent, because Go clients send it for absent fields.
 */
public final class StrictJsonReader {
    private static final int MAX_LIST = 1_000;

    private final ObjectNode node;
    private final String path;
    private final Set<String> read = new LinkedHashSet<>();

    private StrictJsonReader(ObjectNode node, String path) {
        this.node = node;
        this.path = path;
    }

    /**
     * @param path this object's name in errors; empty for the body of a request
     */
    public static StrictJsonReader of(JsonNode node, String path) {
        if (node instanceof ObjectNode object) {
            return new StrictJsonReader(object, path);
        }
        throw wrong(path.isEmpty() ? "the body" : path, node, "an object");
    }

    /** The object as it was sent. */
    public ObjectNode json() {
        return node;
    }

    /** The full path of one of this object's fields. */
    public String path(String name) {
        return path.isEmpty() ? name : path + "." + name;
    }

    private Optional<JsonNode> get(String name) {
        read.add(name);
        JsonNode value = node.get(name);
        return value == null || value.isNull() ? Optional.empty() : Optional.of(value);
    }

    public Optional<String> string(String name) {
        return get(name).map(v -> {
            if (!v.isString()) {
                throw wrong(path(name), v, "a string");
            }
            return v.stringValue();
        });
    }

    /** A string that must be one of {@code allowed}. */
    public Optional<String> oneOf(String name, List<String> allowed) {
        Optional<String> value = string(name);
        value.ifPresent(v -> {
            if (!allowed.contains(v)) {
                // The empty text means "not set", so the error does not offer it.
                List<String> choice = allowed.stream().filter(a -> !a.isEmpty()).toList();
                throw RejectedException.invalid(
                        "%s is \"%s\": allowed are %s".formatted(path(name), clip(v), String.join(", ", choice)));
            }
        });
        return value;
    }

    public Optional<Boolean> bool(String name) {
        return get(name).map(v -> {
            if (!v.isBoolean()) {
                throw wrong(path(name), v, "true or false");
            }
            return v.booleanValue();
        });
    }

    /** A whole number within {@code [min, max]}. */
    public Optional<Integer> integer(String name, int min, int max) {
        return get(name).map(v -> wholeNumber(path(name), v, min, max));
    }

    private static int wholeNumber(String path, JsonNode value, int min, int max) {
        if (value.isIntegralNumber() && value.canConvertToInt()) {
            int number = value.intValue();
            if (number >= min && number <= max) {
                return number;
            }
        }
        throw wrong(path, value, "a whole number from %d to %d".formatted(min, max));
    }

    /** A duration: {@code "1m30s"}, {@code "250ms"}, or a number of nanoseconds as Go clients send it. */
    public Optional<Duration> duration(String name, Duration max) {
        return get(name).map(v -> {
            Optional<Duration> parsed = v.isString()
                    ? GoDuration.parse(v.stringValue())
                    : v.isIntegralNumber() && v.canConvertToLong()
                            ? Optional.of(Duration.ofNanos(v.longValue()))
                            : Optional.empty();
            return parsed.filter(d -> !d.isNegative() && d.compareTo(max) <= 0)
                    .orElseThrow(() -> wrong(
                            path(name), v, "a duration such as \"10s\" or \"1m30s\", at most " + GoDuration.text(max)));
        });
    }

    public Optional<StrictJsonReader> object(String name) {
        return get(name).map(v -> of(v, path(name)));
    }

    public List<String> strings(String name) {
        return list(name, v -> {
            if (!v.value.isString()) {
                throw wrong(v.path, v.value, "a string");
            }
            return v.value.stringValue();
        });
    }

    /** A list of whole numbers, each within {@code [min, max]}. */
    public List<Integer> integers(String name, int min, int max) {
        return list(name, v -> wholeNumber(v.path, v.value, min, max));
    }

    /** A list of objects, each read by {@code reader} and then checked for unread fields. */
    public <T> List<T> objects(String name, Function<StrictJsonReader, T> reader) {
        return list(name, v -> {
            StrictJsonReader fields = of(v.value, v.path);
            T item = reader.apply(fields);
            fields.done();
            return item;
        });
    }

    private record Item(JsonNode value, String path) {}

    private <T> List<T> list(String name, Function<Item, T> reader) {
        Optional<JsonNode> value = get(name);
        if (value.isEmpty()) {
            return List.of();
        }
        JsonNode array = value.get();
        if (!array.isArray()) {
            throw wrong(path(name), array, "a list");
        }
        if (array.size() > MAX_LIST) {
            throw RejectedException.invalid(
                    "%s has %d entries: at most %d are allowed".formatted(path(name), array.size(), MAX_LIST));
        }
        List<T> items = new ArrayList<>(array.size());
        for (int i = 0; i < array.size(); i++) {
            items.add(reader.apply(new Item(array.get(i), path(name) + "[" + i + "]")));
        }
        return List.copyOf(items);
    }

    /** An object whose values are strings, in the order sent. */
    public Map<String, String> map(String name) {
        Map<String, String> map = new LinkedHashMap<>();
        each(name, (key, value) -> {
            if (!value.isString()) {
                throw wrong(path(name) + "." + key, value, "a string");
            }
            map.put(key, value.stringValue());
        });
        return map;
    }

    /** An object whose values are objects, each read by {@code reader}. */
    public <T> Map<String, T> mapOf(String name, Function<StrictJsonReader, T> reader) {
        Map<String, T> map = new LinkedHashMap<>();
        each(name, (key, value) -> {
            StrictJsonReader fields = of(value, path(name) + "." + key);
            map.put(key, reader.apply(fields));
            fields.done();
        });
        return map;
    }

    private void each(String name, java.util.function.BiConsumer<String, JsonNode> use) {
        StrictJsonReader object = object(name).orElse(null);
        if (object == null) {
            return;
        }
        if (object.node.size() > MAX_LIST) {
            throw RejectedException.invalid(
                    "%s has %d entries: at most %d are allowed".formatted(path(name), object.node.size(), MAX_LIST));
        }
        object.node.properties().forEach(e -> use.accept(e.getKey(), e.getValue()));
    }

    /**
     * Refuses a field that is part of the API but that this version cannot honour, if it asks for something. An empty
     * string, 0, {@code false} and empty lists and objects ask for nothing: Go clients send them for absent fields.
     */
    public void refuse(String name, String why) {
        get(name).filter(StrictJsonReader::isRequested).ifPresent(v -> {
            throw RejectedException.because(
                    RejectedException.Reason.UNSUPPORTED,
                    "%s: %s".formatted(path(name), why),
                    "leave the field out; nothing was changed");
        });
    }

    private static boolean isRequested(JsonNode value) {
        return switch (value.getNodeType()) {
            case STRING -> !value.stringValue().isEmpty();
            case NUMBER -> value.doubleValue() != 0;
            case BOOLEAN -> value.booleanValue();
            case ARRAY -> !value.isEmpty();
            case OBJECT -> value.valueStream().anyMatch(StrictJsonReader::isRequested);
            case NULL -> false;
            case BINARY, MISSING, POJO -> true;
        };
    }

    /** Accepts a field without effect, for fields that by their definition have none here. */
    public void skip(String name) {
        read.add(name);
    }

    /** Refuses fields that were sent and not read; the error suggests the most similar known name. */
    public void done() {
        for (String name : node.propertyNames()) {
            if (!read.contains(name)) {
                Optional<String> near = DidYouMean.nearest(name, read);
                throw near.isPresent()
                        ? RejectedException.because(
                                RejectedException.Reason.INVALID,
                                "unknown field %s".formatted(path(clip(name))),
                                "did you mean " + path(near.get()) + "?")
                        : RejectedException.invalid("unknown field %s".formatted(path(clip(name))));
            }
        }
    }

    private static RejectedException wrong(String path, JsonNode found, String allowed) {
        return RejectedException.invalid("%s is %s: it must be %s".formatted(path, clip(found.toString()), allowed));
    }

    /** A caller's text, shortened for an error. */
    public static String clip(String text) {
        return text.length() <= 80 ? text : text.substring(0, 77) + "...";
    }
}
