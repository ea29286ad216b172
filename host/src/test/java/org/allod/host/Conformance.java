package org.allod.host;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/**
 * Visits operations of the Machines API on a daemon and keeps account: which were served, with which statuses, and what
 * was wrong with the answers. It goes on after a fault, so that one run shows all of them.
 */
final class Conformance {
    private final DaemonProcess daemon;
    private final Optional<MachinesApi> description;
    private final Map<String, TreeSet<Integer>> seen = new TreeMap<>();
    private final Map<String, TreeSet<String>> missing = new TreeMap<>();
    private final Map<String, String> refused;
    private final Map<String, String> values = new HashMap<>();
    final List<String> faults = new ArrayList<>();

    /**
     * @param refused operations that are refused by decision, and why
     */
    Conformance(DaemonProcess daemon, Optional<MachinesApi> description, Map<String, String> refused) {
        this.daemon = daemon;
        this.description = description;
        this.refused = new TreeMap<>(refused);
    }

    /** Gives a path's parameter, or any {@code {word}} of a path or body, its value from here on. */
    void let(String name, String value) {
        values.put(name, value);
    }

    String value(String name) {
        return values.getOrDefault(name, "");
    }

    /** A visit that must be answered with {@code status}. */
    JsonNode visit(String operation, String body, int status, String... headers) throws IOException {
        String template = operation.replaceFirst("\\?.*", "");
        String[] words = filled(operation).split(" ", 2);
        HttpResponse<String> answer = daemon.call(words[0], "/v1" + words[1], filled(body), headers);
        JsonNode json = body(answer);
        String said = operation + " -> " + answer.statusCode();
        if (answer.statusCode() != status) {
            faults.add(said + " instead of " + status + ": " + answer.body());
        }
        if (answer.headers().firstValue("fly-request-id").isEmpty()) {
            faults.add(said + " has no fly-request-id");
        }
        if (answer.statusCode() >= 400 && (!json.has("error") || !json.has("status") || !json.has("details"))) {
            faults.add(said + " has no error, status or details: " + answer.body());
        }
        if (answer.statusCode() == 204 && !answer.body().isEmpty()) {
            faults.add(said + " has a body: " + answer.body());
        }
        seen.computeIfAbsent(template, t -> new TreeSet<>()).add(answer.statusCode());
        description.ifPresent(d -> {
            d.problems(template, answer.statusCode(), json).forEach(p -> faults.add(said + ": " + p));
            if (status < 300) {
                // A field that one answer lacks and another has is an optional one.
                TreeSet<String> lacks = d.missing(template, answer.statusCode(), json);
                missing.merge(template, lacks, (before, now) -> {
                    before.retainAll(now);
                    return before;
                });
            }
        });
        return json;
    }

    /** Notes a fault where an answer's text is not what it must be. */
    void same(String what, JsonNode found, String expected) {
        if (!found.asString("").equals(expected)) {
            faults.add(what + " is " + found + " instead of " + expected);
        }
    }

    private String filled(String text) {
        String result = text;
        for (var value : values.entrySet()) {
            result = result.replace("{" + value.getKey() + "}", value.getValue());
        }
        return result;
    }

    private static JsonNode body(HttpResponse<String> answer) {
        if (answer.body().isBlank()) {
            return DaemonProcess.JSON.createObjectNode();
        }
        return answer.headers().firstValue("content-type").orElse("").startsWith("text/")
                ? DaemonProcess.JSON.getNodeFactory().stringNode(answer.body())
                : DaemonProcess.JSON.readTree(answer.body());
    }

    /** The account, for people: each operation with the statuses it was seen to answer, and what is left. */
    String report() {
        StringBuilder text = new StringBuilder();
        if (description.isEmpty()) {
            return text.append("conformance: the API's description is not here: statuses were checked, schemas not; ")
                    .append("tell where it is with -Dallod.spec=FILE\n")
                    .append("conformance: %d operations visited%n".formatted(seen.size()))
                    .toString();
        }
        Map<String, List<Integer>> operations = description.get().operations();
        int documented = operations.values().stream().mapToInt(List::size).sum();
        text.append("conformance: %d of %d operations served as described, %d refused; %d of %d documented statuses%n"
                .formatted(
                        operations.keySet().stream().filter(this::asDescribed).count(),
                        operations.size(),
                        refused.size(),
                        documented - unreached().size(),
                        documented));
        operations
                .keySet()
                .forEach(o -> text.append("  %-10s %s%s%n"
                        .formatted(
                                seen.getOrDefault(o, new TreeSet<>()).stream()
                                        .map(Object::toString)
                                        .collect(Collectors.joining(" ")),
                                o,
                                refused.containsKey(o) ? ": refused: " + refused.get(o) : "")));
        missing.forEach((operation, fields) -> {
            if (!fields.isEmpty()) {
                text.append("  never answered: %s %s%n".formatted(operation, fields));
            }
        });
        return text.toString();
    }

    private boolean asDescribed(String operation) {
        return seen.getOrDefault(operation, new TreeSet<>()).stream().anyMatch(s -> s < 300);
    }

    /** Operations of the description that are neither served as described nor refused by decision. */
    Set<String> unserved() {
        Set<String> unserved = new TreeSet<>();
        description.ifPresent(d -> unserved.addAll(d.operations().keySet()));
        unserved.removeIf(operation -> asDescribed(operation) || refused.containsKey(operation));
        return unserved;
    }

    /** Operations that are said to be refused, and were served, or were not even asked. */
    Set<String> wronglyRefused() {
        Set<String> wrong = new TreeSet<>(refused.keySet());
        wrong.removeIf(operation -> seen.containsKey(operation) && !asDescribed(operation));
        return wrong;
    }

    /** Documented statuses that no visit was answered with, as {@code METHOD /path STATUS}. */
    Set<String> unreached() {
        Set<String> unreached = new TreeSet<>();
        description.ifPresent(d -> d.operations()
                .forEach((operation, statuses) -> statuses.stream()
                        .filter(s ->
                                !seen.getOrDefault(operation, new TreeSet<>()).contains(s))
                        .forEach(s -> unreached.add(operation + " " + s))));
        return unreached;
    }

    /** Fields the description names for an operation's answer that no answer had. */
    Map<String, TreeSet<String>> missing() {
        return missing;
    }
}
