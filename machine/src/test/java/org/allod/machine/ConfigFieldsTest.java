package org.allod.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.allod.base.RejectedException;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Holds docs/guide/machine-config.md true: each field it says works is read without complaint, each it says is refused
 * is refused by name, and no field of the API's specification is missing (where that file is at hand).
 */
class ConfigFieldsTest {
    private static final Path CLONE = Path.of(System.getProperty("allod.clone", ".."));
    private static final Path GUIDE = CLONE.resolve("docs/guide/machine-config.md");
    private static final JsonMapper JSON = new JsonMapper();

    /** A configuration that uses the field, where {@code {"image":"web", FIELD}} needs more than the field itself. */
    private static final Map<String, String> SAMPLES = samples();

    private static Map<String, String> rows() throws IOException {
        Map<String, String> rows = new TreeMap<>();
        for (String line : Files.readAllLines(GUIDE)) {
            String[] cells = line.split("\\|", -1);
            if (line.startsWith("| `")) {
                assertThat(rows.put(cells[1].strip().replace("`", ""), cells[2].strip()))
                        .as("twice: " + line)
                        .isNull();
            }
        }
        return rows;
    }

    @TestFactory
    List<DynamicTest> field_isAsTheGuideSays() throws IOException {
        return rows().entrySet().stream()
                .map(row -> DynamicTest.dynamicTest(row.getKey(), () -> check(row.getKey(), row.getValue())))
                .toList();
    }

    private static void check(String field, String says) {
        String sample = SAMPLES.get(field);
        assertThat(sample).as("a sample of " + field + " in SAMPLES").isNotNull();
        String config = field.equals("image") ? "{" + sample + "}" : "{\"image\":\"web\"," + sample + "}";
        RejectedException refusal = catchThrowableOfType(RejectedException.class, () -> TestHost.config(config));
        if (says.equals("works")) {
            assertThat(refusal).as(config).isNull();
            return;
        }
        assertThat(says).isEqualTo("refused");
        assertThat(refusal).as(config).isNotNull();
        assertThat(refusal.reason()).isEqualTo(RejectedException.Reason.UNSUPPORTED);
        String first = field.split("[.\\[]", -1)[0];
        assertThat(refusal.getMessage()).as(config).contains("config." + first);
    }

    @Test
    void everyFieldOfTheSpecification_isInTheGuide() throws IOException {
        Path file = CLONE.resolve("../shared/specs/machines-api.openapi.json");
        if (!Files.exists(file)) {
            return; // The guide's own list is held by the other test.
        }
        JsonNode schemas =
                JSON.readTree(Files.readString(file)).get("components").get("schemas");
        TreeSet<String> fields = new TreeSet<>();
        walk(schemas, "fly.MachineConfig", "", fields);
        TreeSet<String> listed = new TreeSet<>(rows().keySet());
        TreeSet<String> missing = new TreeSet<>(fields);
        missing.removeIf(field -> listed.contains(field) || listed.stream().anyMatch(l -> within(field, l)));
        assertThat(missing).as("fields of the API that the guide does not list").isEmpty();
        TreeSet<String> invented = new TreeSet<>(listed);
        invented.removeIf(l -> fields.contains(l) || fields.stream().anyMatch(f -> within(f, l)));
        assertThat(invented)
                .as("fields of the guide that the API does not have")
                .isEmpty();
    }

    /** A refused object is listed by its own name, not by those of all its fields. */
    private static boolean within(String field, String object) {
        return field.startsWith(object + ".") || field.startsWith(object + "[]");
    }

    private static void walk(JsonNode schemas, String schema, String path, TreeSet<String> fields) {
        schemas.get(schema).path("properties").properties().forEach(e -> {
            String here = path + e.getKey();
            JsonNode at = e.getValue();
            if (at.has("items")) {
                at = at.get("items");
                here += at.has("$ref") ? "[]" : "";
            } else if (at.path("additionalProperties").has("$ref")) {
                at = at.get("additionalProperties");
                here += ".*";
            }
            JsonNode ref =
                    at.path("allOf").path(0).has("$ref") ? at.path("allOf").path(0) : at;
            String target = ref.path("$ref").asString("").replaceAll(".*/", "");
            if (target.isEmpty() || schemas.get(target).path("properties").isEmpty()) {
                fields.add(here.replaceAll("\\[\\]$", ""));
            } else {
                walk(schemas, target, here + ".", fields);
            }
        });
    }

    private static Map<String, String> samples() {
        Map<String, String> all = new TreeMap<>();
        try {
            for (String line : Files.readAllLines(CLONE.resolve("machine/src/test/resources/config-fields.txt"))) {
                if (!line.isBlank() && !line.startsWith("#")) {
                    int space = line.indexOf(' ');
                    all.put(line.substring(0, space), line.substring(space + 1));
                }
            }
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        return all;
    }
}
