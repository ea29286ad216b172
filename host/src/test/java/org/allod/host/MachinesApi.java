package org.allod.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The published description of the Machines API, read where it is. It is not ours to copy into the project: in a clone
 * that has it as {@code ../shared/specs/machines-api.openapi.json}, or that is told with {@code -Dallod.spec=FILE}
 * where it is, answers are checked against it. Elsewhere the tests that use it check the statuses and fields they name
 * themselves, and say that they checked no more.
 */
final class MachinesApi {
    private final JsonNode root;

    private MachinesApi(JsonNode root) {
        this.root = root;
    }

    /** Nothing where there is no description; one that was named and is not there is an error. */
    static Optional<MachinesApi> find() throws IOException {
        String named = System.getProperty("allod.spec", "");
        Path usual = Path.of(System.getProperty("allod.clone"), "..", "shared", "specs", "machines-api.openapi.json");
        Path file = named.isEmpty() ? usual : Path.of(named);
        if (named.isEmpty() && !Files.exists(usual)) {
            return Optional.empty();
        }
        return Optional.of(new MachinesApi(new JsonMapper().readTree(Files.readString(file))));
    }

    /** Each operation, as {@code METHOD /path/{parameter}}, with the statuses it documents. */
    Map<String, List<Integer>> operations() {
        Map<String, List<Integer>> operations = new LinkedHashMap<>();
        root.get("paths")
                .properties()
                .forEach(path -> path.getValue().properties().forEach(o -> {
                    if (o.getValue().has("responses")) {
                        List<Integer> statuses = new ArrayList<>();
                        o.getValue().get("responses").propertyNames().forEach(s -> statuses.add(Integer.parseInt(s)));
                        operations.put(o.getKey().toUpperCase(java.util.Locale.ROOT) + " " + path.getKey(), statuses);
                    }
                }));
        return operations;
    }

    /** What is wrong with an answer; nothing where the status is not documented or has no body. */
    List<String> problems(String operation, int status, JsonNode body) {
        List<String> problems = new ArrayList<>();
        schema(operation, status).ifPresent(schema -> check(schema, body, "", problems));
        return problems;
    }

    /** The fields that the answer's description names and the answer does not have, with the paths of what has them. */
    TreeSet<String> missing(String operation, int status, JsonNode body) {
        TreeSet<String> missing = new TreeSet<>();
        schema(operation, status).ifPresent(schema -> missing(schema, body, "", missing));
        return missing;
    }

    private Optional<JsonNode> schema(String operation, int status) {
        String[] words = operation.split(" ");
        JsonNode content = root.path("paths")
                .path(words[1])
                .path(words[0].toLowerCase(java.util.Locale.ROOT))
                .path("responses")
                .path(Integer.toString(status))
                .path("content");
        // Most are JSON; a token is plain text, and so, it says, is an error of who asks for one.
        return content.valueStream().map(form -> form.path("schema")).findFirst();
    }

    private JsonNode resolved(JsonNode schema) {
        JsonNode ref = schema.get("$ref");
        return ref == null ? schema : resolved(root.at(ref.stringValue().substring(1)));
    }

    /** The description knows no null; its server answers it for these, and clients test for it. */
    private static final List<String> NULL_FOR_NONE = List.of("attached_machine_id", "attached_alloc_id");

    /** What may be done: bits that add up, of which the description lists each alone. */
    private static final String FLAGS = ".access.action";

    /** The part of JSON Schema that this description uses. */
    private void check(JsonNode unresolved, JsonNode value, String at, List<String> problems) {
        JsonNode schema = resolved(unresolved);
        schema.path("allOf").forEach(part -> check(part, value, at, problems));
        String type = schema.path("type").asString("");
        boolean fits = switch (type) {
            case "object" -> value.isObject();
            case "array" -> value.isArray();
            case "string" -> value.isString();
            case "integer" -> value.isIntegralNumber();
            case "number" -> value.isNumber();
            case "boolean" -> value.isBoolean();
            default -> true;
        };
        if (!fits) {
            problems.add(at + " is " + clip(value) + ": the description says " + type);
            return;
        }
        if (!at.endsWith(FLAGS)
                && schema.has("enum")
                && schema.get("enum").valueStream().noneMatch(value::equals)) {
            problems.add(at + " is " + clip(value) + ": allowed are " + schema.get("enum"));
        }
        schema.path("required").forEach(name -> {
            if (!value.has(name.stringValue())) {
                problems.add(at + "." + name.stringValue() + " is missing and required");
            }
        });
        if (value.isArray()) {
            for (int i = 0; i < value.size(); i++) {
                check(schema.path("items"), value.get(i), at + "[" + i + "]", problems);
            }
        }
        if (value.isObject()) {
            value.properties().forEach(field -> {
                JsonNode known = schema.path("properties").path(field.getKey());
                JsonNode others = schema.path("additionalProperties");
                boolean none = field.getValue().isNull() && NULL_FOR_NONE.contains(field.getKey());
                if (!known.isMissingNode() && !none) {
                    check(known, field.getValue(), at + "." + field.getKey(), problems);
                } else if (others.isObject()) {
                    check(others, field.getValue(), at + "." + field.getKey(), problems);
                }
            });
        }
    }

    /** A configuration is what its owner made it, an access what its asker named: none of their fields need be there. */
    private static final List<String> FREE = List.of("config", "incomplete_config", "user_config", "request", "access");

    private void missing(JsonNode unresolved, JsonNode value, String at, TreeSet<String> missing) {
        JsonNode schema = resolved(unresolved);
        if (value.isArray()) {
            value.forEach(item -> missing(schema.path("items"), item, at + "[]", missing));
        }
        schema.path("properties").properties().forEach(field -> {
            String name = field.getKey();
            if (!value.has(name)) {
                missing.add(at + "." + name);
            } else if (!FREE.contains(name)) {
                missing(field.getValue(), value.get(name), at + "." + name, missing);
            }
        });
    }

    private static String clip(JsonNode value) {
        String text = value.toString();
        return text.length() <= 100 ? text : text.substring(0, 97) + "...";
    }
}
