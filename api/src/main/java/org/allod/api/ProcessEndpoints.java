package org.allod.api;

import static org.allod.api.AppEndpoints.endpoint;

import io.netty.handler.codec.http.HttpMethod;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.allod.base.Clock;
import org.allod.base.FailedException;
import org.allod.base.RejectedException;
import org.allod.machine.Machine;
import org.allod.machine.Machines;
import org.allod.machine.ProcessTable;
import org.allod.machine.StrictJsonReader;
import org.allod.runtime.Guest;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Endpoints for the processes inside a machine. */
public final class ProcessEndpoints {
    private final Machines machines;
    private final ExecSlots slots;
    private final Clock clock;

    public ProcessEndpoints(Machines machines, ExecSlots slots, Clock clock) {
        this.machines = machines;
        this.slots = slots;
        this.clock = clock;
    }

    public List<Endpoint> endpoints() {
        return List.of(endpoint(
                HttpMethod.GET,
                MachineEndpoints.ONE + "/ps",
                "Machines_list_processes",
                "List the processes inside it",
                List.of("sort_by", "order"),
                this::list));
    }

    private Response list(ApiRequest request) {
        ProcessTable.Column column =
                request.query("sort_by").map(ProcessEndpoints::column).orElse(ProcessTable.Column.PID);
        boolean descending = descending(request.query("order"));
        long now = clock.wallMillis() / 1_000;
        ArrayNode list = MachineViews.JSON.arrayNode();
        Machine m = MachineEndpoints.machine(machines, request);
        try (ExecSlots.Slot _ = slots.take(m.id(), request.caller())) { // listing processes runs a command in the guest
            machines.withGuest(m, ProcessEndpoints::table).stream()
                    .sorted(column.order(descending))
                    .forEach(p -> list.add(view(p, now)));
        }
        return Response.ok(list);
    }

    private static List<ProcessTable.Entry> table(Guest guest) {
        try {
            return ProcessTable.of(guest);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FailedException("interrupted while asking for the processes of machine " + guest.machine(), e);
        }
    }

    /**
     * The interface names no units: here {@code stime} is the start time, {@code rtime} the seconds since, cpu a
     * percentage.
     */
    private static ObjectNode view(ProcessTable.Entry p, long now) {
        ObjectNode node = MachineViews.JSON
                .objectNode()
                .put("pid", p.pid())
                .put("stime", now - p.age().toSeconds())
                .put("rtime", p.age().toSeconds())
                .put("command", p.command())
                .put("directory", p.folder())
                .put("cpu", p.share())
                .put("rss", p.rss());
        ArrayNode sockets = node.putArray("listen_sockets");
        p.listeners()
                .forEach(l -> sockets.addObject().put("proto", l.protocol()).put("address", l.address()));
        return node;
    }

    private static ProcessTable.Column column(String name) {
        return Arrays.stream(ProcessTable.Column.values())
                .filter(c -> c.wire().equals(name.toLowerCase(Locale.ROOT)))
                .findFirst()
                .orElseThrow(() -> RejectedException.invalid("sort_by is \"%s\": allowed are %s"
                        .formatted(
                                StrictJsonReader.clip(name),
                                String.join(
                                        ", ",
                                        Arrays.stream(ProcessTable.Column.values())
                                                .map(ProcessTable.Column::wire)
                                                .toList()))));
    }

    private static boolean descending(Optional<String> order) {
        return switch (order.map(o -> o.toLowerCase(Locale.ROOT)).orElse("asc")) {
            case "asc" -> false;
            case "desc" -> true;
            default ->
                throw RejectedException.invalid(
                        "order is \"%s\": allowed are asc, desc".formatted(StrictJsonReader.clip(order.get())));
        };
    }
}
