package org.allod.api;

import static org.allod.api.AppEndpoints.endpoint;

import io.netty.handler.codec.http.HttpMethod;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.allod.base.RejectedException;
import org.allod.machine.Lease;
import org.allod.machine.Leases;
import org.allod.machine.Machine;
import org.allod.machine.Machines;
import org.allod.machine.StrictJsonReader;
import tools.jackson.databind.node.ObjectNode;

/**
 * Endpoints for machine leases. Responses contain the lease twice: in the declared form, and in the envelope {@code
 * {"status":"success","data":…}} that the original server sends and most clients read.
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

    private Response show(ApiRequest request) {
        Machine m = machine(request);
        return enveloped(200, m, machines.leases().of(m.id()).orElseThrow(() -> Leases.none(m.id())));
    }

    private Response take(ApiRequest request) {
        Machine m = machine(request);
        int max = (int) Leases.MAX_TTL.toSeconds();
        StrictJsonReader in = request.body();
        Optional<Integer> sent = in.integer("ttl", 1, max);
        String description = in.string("description").orElse("");
        in.done();
        if (description.length() > 1_000) {
            throw RejectedException.invalid(
                    "description has %d characters: at most 1000".formatted(description.length()));
        }
        int seconds = request.number("ttl", 1, max, sent.orElse((int) Leases.DEFAULT_TTL.toSeconds()));
        return enveloped(
                201,
                m,
                machines.leases()
                        .take(
                                m.id(),
                                request.header(ApiRequest.NONCE),
                                new Leases.LeaseRequest(
                                        Duration.ofSeconds(seconds),
                                        request.caller().name(),
                                        description)));
    }

    private Response release(ApiRequest request) {
        Machine m = machine(request);
        String nonce = request.header(ApiRequest.NONCE)
                .orElseThrow(() ->
                        RejectedException.invalid("the header " + ApiRequest.NONCE + " is missing: the lease's nonce"));
        machines.leases().release(m.id(), nonce);
        return MachineEndpoints.ok();
    }

    private Machine machine(ApiRequest request) {
        return MachineEndpoints.living(machines, request);
    }

    private static Response enveloped(int status, Machine m, Lease lease) {
        ObjectNode data = MachineViews.JSON
                .objectNode()
                .put("nonce", lease.nonce())
                .put("expires_at", lease.expires().getEpochSecond())
                .put("owner", lease.owner())
                .put("description", lease.description())
                .put("version", m.version().toString());
        ObjectNode both = data.deepCopy().put("status", "success");
        both.set("data", data);
        return new Response.Json(status, both);
    }
}
