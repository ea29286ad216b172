package org.allod.api;

import static org.allod.api.AppEndpoints.endpoint;

import io.netty.handler.codec.http.HttpMethod;
import java.util.List;
import org.allod.base.Rejected;
import org.allod.machine.Fields;
import org.allod.machine.Machine;
import org.allod.machine.Machines;
import org.allod.runtime.Stats;

/**
 * A machine's memory. It is read here; changing it while the guest runs is refused by name, since neither runtime can
 * do it yet: a sandbox is told its memory when it starts, and microVMs are made without a balloon.
 */
public final class MemoryEndpoints {
    private static final String MEMORY = MachineEndpoints.ONE + "/memory";
    private static final int MAX_MB = 1 << 20;

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
                        this::show),
                endpoint(
                        HttpMethod.PUT,
                        MEMORY,
                        "Machines_set_memory_limit",
                        "Change its memory while it runs (refused)",
                        List.of(),
                        call -> refused(call, "limit_mb")),
                endpoint(
                        HttpMethod.POST,
                        MEMORY + "/reclaim",
                        "Machines_reclaim_memory",
                        "Take memory back while it runs (refused)",
                        List.of(),
                        call -> refused(call, "amount_mb")));
    }

    private Answer show(Call call) {
        Machine m = MachineEndpoints.living(machines, call);
        Stats stats = machines.guest(m).stats();
        long limit = m.config().memoryMb();
        long used = Math.max(0, stats.memoryBytes()) >> 20;
        return Answer.ok(Views.JSON.objectNode().put("limit_mb", limit).put("available_mb", Math.max(0, limit - used)));
    }

    private Answer refused(Call call, String field) {
        Machine m = MachineEndpoints.living(machines, call);
        Fields in = call.body();
        int wanted = in.integer(field, 1, MAX_MB)
                .orElseThrow(() -> Rejected.invalid(field + " is missing: a number of megabytes"));
        in.done();
        throw Rejected.because(
                Rejected.Reason.UNSUPPORTED,
                "%s is %d: the memory of a running %s machine cannot be changed".formatted(field, wanted, m.runtime()),
                "update the machine's config.guest.memory_mb, which restarts it; nothing was changed");
    }
}
