package org.allod.api;

import static org.allod.api.AppEndpoints.endpoint;

import io.netty.handler.codec.http.HttpMethod;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.allod.base.Rejected;
import org.allod.machine.Fields;
import org.allod.machine.Lease;
import org.allod.machine.Leases;
import org.allod.machine.Machine;
import org.allod.machine.Machines;
import tools.jackson.databind.node.ObjectNode;

/**
 * Leases of machines. Answers have the lease twice: as the interface's description has it, and in the envelope {@code
 * {"status":"success","data":…}} that its server really sends and most clients read.
 */
final class LeaseEndpoints {
    private static final String LEASE = MachineEndpoints.ONE + "/lease";

    private final Machines machines;

    LeaseEndpoints(Machines machines) {
        this.machines = machines;
    }

    List<Endpoint> endpoints() {
        return List.of(
                endpoint(
                        HttpMethod.GET,
                        LEASE,
                        "Machines_show_lease",
                        "Show the lease that holds",
                        List.of(),
                        this::show),
                endpoint(
                        HttpMethod.POST,
                        LEASE,
                        "Machines_create_lease",
                        "Take a lease, or with its nonce refresh it",
                        List.of("ttl"),
                        this::take),
                endpoint(
                        HttpMethod.DELETE,
                        LEASE,
                        "Machines_release_lease",
                        "End a lease before its time",
                        List.of(),
                        this::release));
    }

    private Answer show(Call call) {
        Machine m = machine(call);
        return enveloped(200, m, machines.leases().of(m.id()).orElseThrow(() -> Leases.none(m.id())));
    }

    private Answer take(Call call) {
        Machine m = machine(call);
        int max = (int) Leases.MAX_TTL.toSeconds();
        Fields in = call.body();
        Optional<Integer> sent = in.integer("ttl", 1, max);
        String description = in.string("description").orElse("");
        in.done();
        if (description.length() > 1_000) {
            throw Rejected.invalid("description has %d characters: at most 1000".formatted(description.length()));
        }
        int seconds = call.number("ttl", 1, max, sent.orElse((int) Leases.DEFAULT_TTL.toSeconds()));
        return enveloped(
                201,
                m,
                machines.leases()
                        .take(
                                m.id(),
                                call.header(Call.NONCE),
                                new Leases.Ask(
                                        Duration.ofSeconds(seconds),
                                        call.caller().name(),
                                        description)));
    }

    private Answer release(Call call) {
        Machine m = machine(call);
        String nonce = call.header(Call.NONCE)
                .orElseThrow(() -> Rejected.invalid("the header " + Call.NONCE + " is missing: the lease's nonce"));
        machines.leases().release(m.id(), nonce);
        return MachineEndpoints.ok();
    }

    private Machine machine(Call call) {
        return MachineEndpoints.living(machines, call);
    }

    private static Answer enveloped(int status, Machine m, Lease lease) {
        ObjectNode data = Views.JSON
                .objectNode()
                .put("nonce", lease.nonce())
                .put("expires_at", lease.expires().getEpochSecond())
                .put("owner", lease.owner())
                .put("description", lease.description())
                .put("version", m.version().toString());
        ObjectNode both = data.deepCopy().put("status", "success");
        both.set("data", data);
        return new Answer.Json(status, both);
    }
}
