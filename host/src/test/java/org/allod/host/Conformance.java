package org.allod.host;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import tools.jackson.databind.JsonNode;

/**
 * Visits operations of the Machines API on a daemon and keeps account: which were served, with which statuses, and what
 * was wrong with the answers. It goes on after a fault, so that one run shows all of them.
 */
final class Conformance {
    private final DaemonProcess daemon;
    private final Optional<MachinesApi> description;
    private final Set<String> served = new TreeSet<>();
    private final Map<String, TreeSet<Integer>> seen = new TreeMap<>();
    private final Map<String, TreeSet<String>> missing = new TreeMap<>();
    private final Map<String, String> refused = new TreeMap<>();
    private final Map<String, String> values = new HashMap<>();
    final List<String> faults = new ArrayList<>();

    Conformance(DaemonProcess daemon, Optional<MachinesApi> description) throws IOException {
        this.daemon = daemon;
        this.description = description;
        daemon.ok("GET", "/v1/openapi.json", "")
                .get("paths")
                .properties()
                .forEach(path -> path.getValue()
                        .propertyNames()
                        .forEach(method -> served.add(method.toUpperCase(java.util.Locale.ROOT) + " "
                                + path.getKey().replaceFirst("^/v1", ""))));
    }

    /** Gives a path's parameter, or any {@code {word}} of a path or body, its value from here on. */
    void let(String name, String value) {
        values.put(name, value);
    }

    String value(String name) {
        return values.getOrDefault(name, "");
    }

    /** A visit that must be answered with {@code status}. What is not served yet is left out. */
    JsonNode visit(String operation, String body, int status, String... headers) throws IOException {
        String template = operation.replaceFirst("\\?.*", "");
        if (!served.contains(template)) {
            return DaemonProcess.JSON.createObjectNode();
        }
        String[] words = filled(operation).split(" ", 2);
        HttpResponse<String> answer = daemon.call(words[0], "/v1" + words[1], filled(body), headers);
        JsonNode json = answer.body().isBlank()
                ? DaemonProcess.JSON.createObjectNode()
                : DaemonProcess.JSON.readTree(answer.body());
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

    /** A visit to what is refused here by decision: an answer with its reason, and no more. */
    void refused(String operation, String body, int status, String why) throws IOException {
        visit(operation, body, status);
        refused.put(operation.replaceFirst("\\?.*", ""), why);
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

    /** The account, for people. */
    String report() {
        StringBuilder text = new StringBuilder();
        if (description.isEmpty()) {
            return text.append("conformance: the API's description is not here: statuses were checked, schemas not; ")
                    .append("tell where it is with -Dallod.spec=FILE\n")
                    .append("conformance: %d operations visited%n".formatted(seen.size()))
                    .toString();
        }
        Map<String, List<Integer>> operations = description.get().operations();
        Map<String, String> lacking = new LinkedHashMap<>();
        int documented = 0;
        int provoked = 0;
        for (var operation : operations.entrySet()) {
            Set<Integer> got = seen.getOrDefault(operation.getKey(), new TreeSet<>());
            documented += operation.getValue().size();
            List<Integer> not =
                    operation.getValue().stream().filter(s -> !got.contains(s)).toList();
            provoked += operation.getValue().size() - not.size();
            if (!not.isEmpty()) {
                lacking.put(operation.getKey(), not.toString());
            }
        }
        text.append("conformance: %d of %d operations served as described, %d of %d documented statuses provoked%n"
                .formatted(
                        operations.keySet().stream().filter(this::asDescribed).count(),
                        operations.size(),
                        provoked,
                        documented));
        refused.forEach((operation, why) -> text.append("  refused: %s: %s%n".formatted(operation, why)));
        unvisited().forEach(operation -> text.append("  not served: %s%n".formatted(operation)));
        lacking.forEach((operation, statuses) -> {
            if (seen.containsKey(operation)) {
                text.append("  not provoked: %s %s%n".formatted(operation, statuses));
            }
        });
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

    /** Operations of the description that no visit reached. */
    Set<String> unvisited() {
        Set<String> unvisited = new TreeSet<>();
        description.ifPresent(d -> d.operations().keySet().stream()
                .filter(o -> !seen.containsKey(o))
                .forEach(unvisited::add));
        return unvisited;
    }

    /** Operations that were visited and are neither served as described nor refused by decision. */
    Set<String> unserved() {
        Set<String> unserved = new TreeSet<>(seen.keySet());
        unserved.removeIf(operation -> asDescribed(operation) || refused.containsKey(operation));
        return unserved;
    }

    /** Fields the description names for an operation's answer that no answer had. */
    Map<String, TreeSet<String>> missing() {
        return missing;
    }
}
