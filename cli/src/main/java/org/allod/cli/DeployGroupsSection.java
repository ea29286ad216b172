package org.allod.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/** Collects the configurations of a deploy's process groups. */
final class DeployGroupsSection {
    private final Map<String, Map<String, Json>> configs = new LinkedHashMap<>();

    DeployGroupsSection(List<String> names) {
        names.forEach(name -> configs.put(name, new LinkedHashMap<>()));
    }

    List<String> names() {
        return List.copyOf(configs.keySet());
    }

    /** The groups that a table applies to: those in its {@code processes}, else all. */
    List<String> of(TomlTable table) {
        List<String> named = table.words("processes");
        for (String name : named) {
            if (!configs.containsKey(name)) {
                throw table.refused(
                        "processes", "names \"" + name + "\"", "there are: " + String.join(", ", configs.keySet()));
            }
        }
        return named.isEmpty() ? names() : named;
    }

    /** Sets a field. */
    void put(List<String> groups, String field, Json value) {
        change(groups, field, before -> value);
    }

    /** Appends to a list. */
    void add(List<String> groups, String field, Json value) {
        change(groups, field, before -> {
            List<Json> list = new ArrayList<>(before.items());
            list.add(value);
            return new Json.Arr(list);
        });
    }

    /** Adds an entry to an object. */
    void name(List<String> groups, String field, String name, Json value) {
        change(groups, field, before -> {
            Map<String, Json> map = new LinkedHashMap<>(before.map());
            map.put(name, value);
            return new Json.Obj(map);
        });
    }

    private void change(List<String> groups, String field, UnaryOperator<Json> by) {
        configs.forEach((group, config) -> {
            if (groups.contains(group)) {
                config.put(field, by.apply(config.getOrDefault(field, Json.none())));
            }
        });
    }

    /** The port of a group's first service. */
    Optional<Json> servicePort(String group) {
        return configs.getOrDefault(group, Map.of()).getOrDefault("services", Json.none()).items().stream()
                .findFirst()
                .map(service -> service.at("internal_port"));
    }

    /** The groups in the form of the request. */
    Json request(Map<String, Integer> counts) {
        List<Json> list = new ArrayList<>();
        configs.forEach((name, config) ->
                list.add(Json.obj("name", name, "count", counts.get(name), "config", new Json.Obj(config))));
        return new Json.Arr(list);
    }
}
