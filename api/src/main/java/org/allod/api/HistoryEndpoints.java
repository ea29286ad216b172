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
import org.allod.base.RejectedException;
import org.allod.base.Ulid;
import org.allod.machine.GoDuration;
import org.allod.machine.Machine;
import org.allod.machine.MachineState;
import org.allod.machine.MachineWaiter;
import org.allod.machine.Machines;
import org.allod.machine.StrictJsonReader;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Endpoints for a machine's history, and for waiting for a state. */
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

    private Machine machine(ApiRequest request) {
        return MachineEndpoints.machine(machines, request);
    }

    private Response await(ApiRequest request) throws InterruptedException {
        Machine m = machine(request);
        MachineWaiter.Seen seen = machines.waits().await(m, wanted(request), timeout(request));
        return Response.ok(MachineViews.JSON
                .objectNode()
                .put("ok", true)
                .put("state", seen.state())
                .put("version", seen.version().toString())
                .put("event_id", seen.event().map(Ulid::toString).orElse("")));
    }

    static MachineWaiter.Wanted wanted(ApiRequest request) {
        List<String> words = request.list("state");
        List<String> special = List.of("settled", MachineWaiter.REPLACED);
        return new MachineWaiter.Wanted(
                words.isEmpty()
                        ? EnumSet.of(MachineState.STARTED)
                        : states(
                                words.stream().filter(w -> !special.contains(w)).toList(), special),
                words.contains("settled"),
                // A replaced version never returns, so a wait for its end is fulfilled.
                words.contains(MachineWaiter.REPLACED) || words.contains("destroyed"),
                ulid(request, "version").or(() -> ulid(request, "instance_id")),
                ulid(request, "from_event_id"));
    }

    private static Optional<Ulid> ulid(ApiRequest request, String name) {
        return request.query(name)
                .map(text -> Ulid.parse(text)
                        .orElseThrow(() -> RejectedException.invalid("%s is \"%s\": it must be 26 letters and digits"
                                .formatted(name, StrictJsonReader.clip(text)))));
    }

    static Duration timeout(ApiRequest request) {
        return request.query("timeout")
                .map(text -> GoDuration.parse(text)
                        .filter(d -> d.isPositive() && d.compareTo(MAX_WAIT) <= 0)
                        .orElseThrow(() -> RejectedException.invalid("timeout is \"%s\": it must be seconds, at most %d"
                                .formatted(StrictJsonReader.clip(text), MAX_WAIT.toSeconds()))))
                .orElse(MAX_WAIT);
    }

    /** Parses states by name. */
    static Set<MachineState> states(List<String> words) {
        return states(words, List.of());
    }

    /** @param beside names other than states that are allowed here, for the error message */
    private static Set<MachineState> states(List<String> words, List<String> beside) {
        Set<MachineState> states = EnumSet.noneOf(MachineState.class);
        for (String word : words) {
            states.add(MachineState.parse(word)
                    .orElseThrow(() -> RejectedException.invalid("state is \"%s\": allowed are %s"
                            .formatted(
                                    StrictJsonReader.clip(word),
                                    Stream.concat(
                                                    beside.stream(),
                                                    EnumSet.allOf(MachineState.class).stream()
                                                            .map(MachineState::wire))
                                            .collect(Collectors.joining(", "))))));
        }
        return states;
    }

    private Response events(ApiRequest request) {
        Machine m = machine(request);
        ArrayNode list = MachineViews.JSON.arrayNode();
        machines.events(m.id(), request.number("limit", 1, MAX_EVENTS, EVENTS))
                .forEach(e -> list.add(MachineViews.event(e)));
        return Response.ok(list);
    }

    private Response versions(ApiRequest request) {
        Machine m = machine(request);
        ArrayNode list = MachineViews.JSON.arrayNode();
        machines.versions(m.id()).forEach(v -> {
            ObjectNode node = list.addObject()
                    .put("version", v.version())
                    .put(
                            "state",
                            v.version().equals(m.version().toString())
                                    ? m.state().wire()
                                    : MachineWaiter.REPLACED);
            node.set("user_config", v.config().json());
        });
        return Response.ok(list);
    }
}
