package org.allod.api;

import static org.allod.api.AppEndpoints.endpoint;

import io.netty.handler.codec.http.HttpMethod;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.allod.base.Rejected;
import org.allod.base.Ulid;
import org.allod.machine.Durations;
import org.allod.machine.Fields;
import org.allod.machine.Machine;
import org.allod.machine.MachineState;
import org.allod.machine.Machines;
import org.allod.machine.Waits;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** How a machine came to be what it is, and waiting for what it will be. */
final class HistoryEndpoints {
    private static final String ONE = MachineEndpoints.ONE;
    private static final Duration MAX_WAIT = Duration.ofSeconds(60);
    private static final int EVENTS = 20;
    private static final int MAX_EVENTS = 50;

    private final Machines machines;

    HistoryEndpoints(Machines machines) {
        this.machines = machines;
    }

    List<Endpoint> endpoints() {
        return List.of(
                endpoint(
                        HttpMethod.GET,
                        ONE + "/wait",
                        "Machines_wait",
                        "Wait for a state",
                        List.of("version", "instance_id", "from_event_id", "timeout", "state"),
                        this::await),
                endpoint(
                        HttpMethod.GET,
                        ONE + "/events",
                        "Machines_list_events",
                        "List its events, newest first",
                        List.of("limit"),
                        this::events),
                endpoint(
                        HttpMethod.GET,
                        ONE + "/versions",
                        "Machines_list_versions",
                        "List the versions of its configuration",
                        List.of(),
                        this::versions));
    }

    private Machine machine(Call call) {
        return MachineEndpoints.machine(machines, call);
    }

    private Answer await(Call call) throws InterruptedException {
        Machine m = machine(call);
        Waits.Seen seen = machines.waits().await(m, wanted(call), timeout(call));
        return Answer.ok(Views.JSON
                .objectNode()
                .put("ok", true)
                .put("state", seen.state())
                .put("version", seen.version().toString())
                .put("event_id", seen.event().map(Ulid::toString).orElse("")));
    }

    static Waits.Wanted wanted(Call call) {
        List<String> words = call.list("state");
        List<String> special = List.of("settled", Waits.REPLACED);
        return new Waits.Wanted(
                words.isEmpty()
                        ? EnumSet.of(MachineState.STARTED)
                        : states(
                                words.stream().filter(w -> !special.contains(w)).toList(), special),
                words.contains("settled"),
                // A version that was replaced is gone: whoever waits for the end of it has what they wait for.
                words.contains(Waits.REPLACED) || words.contains("destroyed"),
                ulid(call, "version").or(() -> ulid(call, "instance_id")),
                ulid(call, "from_event_id"));
    }

    private static Optional<Ulid> ulid(Call call, String name) {
        return call.query(name)
                .map(text -> Ulid.parse(text)
                        .orElseThrow(() -> Rejected.invalid(
                                "%s is \"%s\": it must be 26 letters and digits".formatted(name, Fields.clip(text)))));
    }

    static Duration timeout(Call call) {
        return call.query("timeout")
                .map(text -> Durations.parse(text)
                        .filter(d -> d.isPositive() && d.compareTo(MAX_WAIT) <= 0)
                        .orElseThrow(() -> Rejected.invalid("timeout is \"%s\": it must be seconds, at most %d"
                                .formatted(Fields.clip(text), MAX_WAIT.toSeconds()))))
                .orElse(MAX_WAIT);
    }

    /** States by name. */
    static Set<MachineState> states(List<String> words) {
        return states(words, List.of());
    }

    /** @param beside what else may be asked for where they are, for the error */
    private static Set<MachineState> states(List<String> words, List<String> beside) {
        Set<MachineState> states = EnumSet.noneOf(MachineState.class);
        for (String word : words) {
            states.add(MachineState.parse(word)
                    .orElseThrow(() -> Rejected.invalid("state is \"%s\": allowed are %s"
                            .formatted(
                                    Fields.clip(word),
                                    Stream.concat(
                                                    beside.stream(),
                                                    EnumSet.allOf(MachineState.class).stream()
                                                            .map(MachineState::wire))
                                            .collect(Collectors.joining(", "))))));
        }
        return states;
    }

    private Answer events(Call call) {
        Machine m = machine(call);
        ArrayNode list = Views.JSON.arrayNode();
        machines.events(m.id(), call.number("limit", 1, MAX_EVENTS, EVENTS)).forEach(e -> list.add(Views.event(e)));
        return Answer.ok(list);
    }

    private Answer versions(Call call) {
        Machine m = machine(call);
        ArrayNode list = Views.JSON.arrayNode();
        machines.versions(m.id()).forEach(v -> {
            ObjectNode node = list.addObject()
                    .put("version", v.version())
                    .put(
                            "state",
                            v.version().equals(m.version().toString())
                                    ? m.state().wire()
                                    : Waits.REPLACED);
            node.set("user_config", v.config().json());
        });
        return Answer.ok(list);
    }
}
