package org.allod.api;

import static org.allod.api.AppEndpoints.endpoint;

import io.netty.handler.codec.http.HttpMethod;
import java.util.List;
import org.allod.base.RejectedException;
import org.allod.machine.Machine;
import org.allod.machine.Machines;
import org.allod.machine.StrictJsonReader;
import org.allod.runtime.Guest;
import org.allod.runtime.GuestMemory;

/**
 * Endpoints for a running machine's memory: read it, limit it, reclaim some. A change lasts as long as the guest and is
 * not part of its configuration: the next start uses {@code config.guest.memory_mb} again. A guest must cooperate, so
 * the response reports the result, which may differ from the request (decision 032).
 */
public final class MemoryEndpoints {
    private static final String MEMORY = MachineEndpoints.ONE + "/memory";
    /** The smallest limit; also the smallest memory of a new machine. */
    private static final int LEAST_MB = 64;

    private final Machines machines;

    public MemoryEndpoints(Machines machines) {
        this.machines = machines;
    }

    public List<Endpoint> endpoints() {
        return List.of(
                endpoint(
                        HttpMethod.GET,
                        MEMORY,
                        "Machines_get_memory",
                        "Show its memory, and how much of it is free",
                        List.of(),
                        request ->
                                answer(machines.withGuest(MachineEndpoints.living(machines, request), Guest::memory))),
                endpoint(
                        HttpMethod.PUT,
                        MEMORY,
                        "Machines_set_memory_limit",
                        "Change how much memory it may use while it runs",
                        List.of(),
                        this::limit),
                endpoint(
                        HttpMethod.POST,
                        MEMORY + "/reclaim",
                        "Machines_reclaim_memory",
                        "Return memory that it does not need now to the host",
                        List.of(),
                        this::reclaim));
    }

    private Response limit(ApiRequest request) {
        Machine m = MachineEndpoints.living(machines, request);
        int limit = megabytes(request, "limit_mb", Math.min(LEAST_MB, m.config().memoryMb()), m);
        return answer(machines.askFor(m, request.asker(), guest -> guest.limitMemory(limit)));
    }

    private Response reclaim(ApiRequest request) {
        Machine m = MachineEndpoints.living(machines, request);
        int amount = megabytes(request, "amount_mb", 1, m);
        long actual = machines.askFor(m, request.asker(), guest -> guest.reclaimMemory(amount));
        return Response.ok(MachineViews.JSON.objectNode().put("actual_mb", actual));
    }

    private static int megabytes(ApiRequest request, String field, int least, Machine m) {
        StrictJsonReader in = request.body();
        int most = m.config().memoryMb();
        int wanted = in.integer(field, least, most)
                .orElseThrow(() -> RejectedException.invalid(
                        "%s is missing: a number of megabytes, %d to %d".formatted(field, least, most)));
        in.done();
        return wanted;
    }

    private static Response answer(GuestMemory memory) {
        return Response.ok(MachineViews.JSON
                .objectNode()
                .put("limit_mb", memory.limitMb())
                .put("available_mb", memory.availableMb()));
    }
}
