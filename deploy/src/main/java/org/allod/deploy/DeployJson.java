package org.allod.deploy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** The JSON form of a deploy's plan and state in {@code host.db}. It reads what older versions wrote. */
final class DeployJson {
    private static final JsonMapper JSON = JsonMapper.builder()
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .build();

    private DeployJson() {}

    static String write(Plan plan) {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("strategy", plan.strategy().wire())
                .put("max_unavailable", plan.maxUnavailable())
                .put("wait_millis", plan.waitTimeout().toMillis())
                .put("tenant", plan.tenant());
        var groups = node.putArray("groups");
        for (Plan.Group group : plan.groups()) {
            ObjectNode one = groups.addObject().put("name", group.name());
            group.count().ifPresent(count -> one.put("count", count));
            one.set("config", group.config());
        }
        plan.release().ifPresent(release -> {
            ObjectNode one = node.putObject("release")
                    .put("timeout_millis", release.timeout().toMillis());
            release.command().forEach(one.putArray("command")::add);
        });
        return node.toString();
    }

    static Plan plan(String text) {
        JsonNode node = JSON.readTree(text);
        List<Plan.Group> groups = new ArrayList<>();
        for (JsonNode group : node.get("groups")) {
            groups.add(new Plan.Group(
                    group.get("name").stringValue(),
                    Optional.ofNullable(group.get("count")).map(JsonNode::intValue),
                    (ObjectNode) group.get("config")));
        }
        return new Plan(
                Strategy.parse(node.get("strategy").stringValue()).orElseThrow(),
                node.get("max_unavailable").doubleValue(),
                Duration.ofMillis(node.get("wait_millis").longValue()),
                groups,
                Optional.ofNullable(node.get("release")).map(DeployJson::release),
                node.path("tenant").asBoolean(false));
    }

    private static Plan.Release release(JsonNode node) {
        List<String> command = new ArrayList<>();
        node.get("command").forEach(word -> command.add(word.stringValue()));
        return new Plan.Release(
                command, Duration.ofMillis(node.get("timeout_millis").longValue()));
    }

    static String write(DeployState state) {
        return JSON.writeValueAsString(state);
    }

    static DeployState state(String text) {
        return JSON.readValue(text, DeployState.class);
    }
}
