package org.allod.cli;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.allod.base.DidYouMean;
import org.allod.base.RejectedException;

/**
 * A table of a configuration file, read field by field. Records which fields were read: {@link #done} refuses the
 * others, so that nothing in the file is silently ignored. Every refusal names file, line, field, the value found and
 * what is allowed.
 */
final class TomlTable {
    /** The file that its tables share. */
    record Source(String file, TomlPositions lines, Consumer<String> warn) {}

    private final Source source;
    private final String path;
    private final Map<String, Json> fields;
    private final Set<String> read = new LinkedHashSet<>();

    TomlTable(Source source, String path, Map<String, Json> fields) {
        this.source = source;
        this.path = path;
        this.fields = fields;
    }

    String path(String name) {
        return path.isEmpty() ? name : path + "." + name;
    }

    boolean has(String name) {
        return fields.containsKey(name);
    }

    boolean isTable(String name) {
        return fields.get(name) instanceof Json.Obj;
    }

    boolean isTruth(String name) {
        return fields.get(name) instanceof Json.Bool;
    }

    boolean isNumber(String name) {
        return fields.get(name) instanceof Json.Num;
    }

    /** Whether the field is an empty list, as generated files contain: the same as absent. It then counts as read. */
    boolean isEmptyList(String name) {
        boolean empty = fields.get(name) instanceof Json.Arr(List<Json> items) && items.isEmpty();
        if (empty) {
            read.add(name);
        }
        return empty;
    }

    private Optional<Json> get(String name) {
        read.add(name);
        return Optional.ofNullable(fields.get(name));
    }

    Optional<String> text(String name) {
        return get(name).map(value -> {
            if (value instanceof Json.Text(String text)) {
                return text;
            }
            throw wrong(name, value, "a string");
        });
    }

    Optional<String> oneOf(String name, List<String> allowed) {
        Optional<String> value = text(name);
        value.filter(v -> !allowed.contains(v)).ifPresent(v -> {
            throw refused(name, "is \"" + v + "\"", "allowed are " + String.join(", ", allowed));
        });
        return value;
    }

    Optional<Boolean> truth(String name) {
        return get(name).map(value -> {
            if (value instanceof Json.Bool(boolean truth)) {
                return truth;
            }
            throw wrong(name, value, "true or false");
        });
    }

    Optional<Integer> whole(String name, int min, int max) {
        return get(name).map(value -> {
            if (value instanceof Json.Num(BigDecimal number)
                    && number.stripTrailingZeros().scale() <= 0
                    && number.compareTo(BigDecimal.valueOf(min)) >= 0
                    && number.compareTo(BigDecimal.valueOf(max)) <= 0) {
                return number.intValue();
            }
            throw wrong(name, value, "a whole number from " + min + " to " + max);
        });
    }

    Optional<Json> number(String name) {
        return get(name).map(value -> {
            if (value instanceof Json.Num) {
                return value;
            }
            throw wrong(name, value, "a number");
        });
    }

    /** A duration with its unit. fly.toml also has bare numbers, whose unit depends on the field. */
    Optional<String> time(String name) {
        return get(name).map(value -> {
            if (value instanceof Json.Text(String text) && text.matches("(\\d+(\\.\\d+)?(ms|s|m|h))+")) {
                return text;
            }
            throw wrong(name, value, "a length of time with its unit, such as \"10s\" or \"1m30s\"");
        });
    }

    /** A string, or a list of strings. */
    List<String> words(String name) {
        Optional<Json> found = get(name);
        if (found.isEmpty()) {
            return List.of();
        }
        List<String> words = new ArrayList<>();
        for (Json item : found.get() instanceof Json.Arr(List<Json> list) ? list : List.of(found.get())) {
            if (!(item instanceof Json.Text(String word))) {
                throw wrong(name, item, "a string");
            }
            words.add(word);
        }
        return words;
    }

    Optional<TomlTable> table(String name) {
        return get(name).map(value -> {
            if (value instanceof Json.Obj(Map<String, Json> inside)) {
                return new TomlTable(source, path(name), inside);
            }
            throw wrong(name, value, "a table");
        });
    }

    /** A list of tables; a single table counts as a list of one, as in fly.toml. */
    List<TomlTable> tables(String name) {
        Optional<Json> found = get(name);
        if (found.isEmpty()) {
            return List.of();
        }
        if (found.get() instanceof Json.Obj(Map<String, Json> inside)) {
            return List.of(new TomlTable(source, path(name), inside));
        }
        List<TomlTable> tables = new ArrayList<>();
        for (Json item : found.get().items()) {
            if (!(item instanceof Json.Obj(Map<String, Json> inside))) {
                throw wrong(name, item, "a table");
            }
            tables.add(new TomlTable(source, path(name) + "[" + tables.size() + "]", inside));
        }
        if (tables.isEmpty() && !(found.get() instanceof Json.Arr)) {
            throw wrong(name, found.get(), "a list of tables");
        }
        return tables;
    }

    /** A table that is passed to the daemon unchanged, which validates it. */
    Optional<Json> plain(String name) {
        return table(name).map(inside -> new Json.Obj(inside.fields));
    }

    /** A table of named tables. */
    Map<String, TomlTable> named(String name) {
        Map<String, TomlTable> all = new LinkedHashMap<>();
        table(name).ifPresent(t -> t.fields.keySet().forEach(key -> t.table(key).ifPresent(one -> all.put(key, one))));
        return all;
    }

    /** A table of names and text values; numbers and booleans are converted to text. */
    Map<String, String> texts(String name) {
        Map<String, String> all = new LinkedHashMap<>();
        table(name)
                .ifPresent(t -> t.fields.forEach((key, value) -> {
                    if (value instanceof Json.Obj || value instanceof Json.Arr) {
                        throw t.wrong(key, value, "a string");
                    }
                    all.put(key, value.text());
                }));
        return all;
    }

    /** Refuses a known field that cannot be honoured. */
    void refuse(String name, String why) {
        refuse(name, why, "remove it");
    }

    /** As above, with a hint. An empty list requests nothing and is accepted. */
    void refuse(String name, String why, String hint) {
        if (has(name) && !isEmptyList(name)) {
            throw refused(name, "is not supported: " + why, hint);
        }
        read.add(name);
    }

    /** Refuses a field unless it requests the fixed behaviour. */
    void mustBe(String name, boolean so, String why) {
        truth(name).filter(asked -> asked != so).ifPresent(asked -> {
            throw refused(name, "is " + asked + ", which is not supported: " + why, "remove it");
        });
    }

    /** Warns about a known field that has no meaning here and does no harm. */
    void warn(String name, String why) {
        if (has(name)) {
            source.warn.accept(place(name) + " has no effect: " + why);
        }
        read.add(name);
    }

    void done() {
        for (String name : fields.keySet()) {
            if (!read.contains(name)) {
                throw refused(
                        name,
                        "is not a field of this file",
                        DidYouMean.nearest(name, read)
                                .map(near -> "did you mean " + path(near) + "?")
                                .orElse("allowed here: " + String.join(", ", read)));
            }
        }
    }

    RejectedException refused(String name, String what, String hint) {
        return RejectedException.because(RejectedException.Reason.INVALID, place(name) + " " + what, hint);
    }

    private RejectedException wrong(String name, Json found, String allowed) {
        String shown = found instanceof Json.Text(String text) ? "\"" + text + "\"" : found.write();
        return refused(
                name, "is " + (shown.length() > 60 ? shown.substring(0, 57) + "..." : shown), "it must be " + allowed);
    }

    private String place(String name) {
        int line = source.lines.line(path(name));
        return source.file + (line > 0 ? ":" + line : "") + ": " + path(name);
    }
}
