package org.allod.host;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.zip.CRC32;
import org.allod.base.Clock;
import org.allod.base.MachineId;
import org.allod.base.RejectedException;
import org.allod.base.Timers;
import org.allod.runtime.GVisorRuntime;
import org.allod.runtime.GuestRuntime;
import org.allod.runtime.LogStore;
import org.allod.runtime.MicroVmRuntime;
import org.allod.runtime.NetworkConfig;
import org.allod.runtime.ProbeResult;
import org.allod.runtime.ReleasingRuntime;
import org.allod.runtime.RuntimeConfig;
import org.allod.runtime.RuntimeResources;
import org.allod.runtime.RuntimeSelector;
import tools.jackson.databind.node.ArrayNode;

/**
 * The runtimes of this host, the default one, and why it was chosen. Probe results are stored beside the tools they
 * depend on, so that only the first start on a host waits for them.
 */
final class RuntimeSetup implements AutoCloseable {
    private final RuntimeResources resources;
    private final RuntimeSelector runtimes;
    private final String chosen;
    private final String reason;
    private volatile boolean clear;

    private RuntimeSetup(RuntimeResources resources, HostConfig config) {
        this.resources = resources;
        this.runtimes = new RuntimeSelector(
                config.tools(),
                List.of(
                        new ReleasingRuntime(new MicroVmRuntime(resources), resources),
                        new ReleasingRuntime(new GVisorRuntime(resources), resources)));
        if (config.runtime().isPresent()) {
            this.chosen = runtimes.named(config.runtime().get()).name();
            this.reason = chosen + ", because --runtime says so";
        } else {
            RuntimeSelector.Choice choice = runtimes.choose();
            this.chosen = choice.runtime()
                    .map(GuestRuntime::name)
                    .orElseThrow(
                            () -> RejectedException.because(
                                    RejectedException.Reason.UNSUPPORTED,
                                    choice.why(),
                                    "run `allod setup`, which brings what is missing; --runtime NAME starts the daemon anyway"));
            this.reason = choice.why();
        }
    }

    static RuntimeSetup of(HostConfig config, Clock clock, Timers timers) {
        NetworkConfig network = NetworkConfig.ofHost(instance(config));
        RuntimeResources resources =
                new RuntimeResources(RuntimeConfig.of(config.data(), config.tools(), network), clock, timers);
        try {
            return new RuntimeSetup(resources, config);
        } catch (RuntimeException e) {
            resources.close();
            throw e;
        }
    }

    /** Distinguishes two daemons on one host, as long as their data folders keep their names. */
    private static String instance(HostConfig config) {
        CRC32 crc = new CRC32();
        crc.update(config.data().toString().getBytes(StandardCharsets.UTF_8));
        return "%08x".formatted(crc.getValue());
    }

    /** Every runtime that a machine may request by name, whether or not it works here. */
    Map<String, GuestRuntime> all() {
        Map<String, GuestRuntime> all = new LinkedHashMap<>();
        runtimes.all().forEach(runtime -> all.put(runtime.name(), runtime));
        return all;
    }

    String chosen() {
        return chosen;
    }

    String reason() {
        return reason;
    }

    /** Packets refused because a machine exceeded its connection limits. */
    Map<MachineId, Long> refusedFlows() {
        return resources.networks().refused();
    }

    LogStore logs() {
        return resources.logs();
    }

    /** Adds each runtime's probe result. */
    void report(boolean again, ArrayNode into) {
        for (GuestRuntime runtime : runtimes.all()) {
            ProbeResult probe = again ? runtimes.reprobe(runtime.name()) : runtimes.probe(runtime.name());
            String how = probe.works()
                    ? probe.how() + ", booted in " + probe.boot().toMillis() + " ms"
                            + (probe.accelerated() ? "" : "; emulated, so slow")
                    : String.join("; ", probe.details());
            String status = probe.works() ? (probe.accelerated() ? "ok" : "warning") : "failed";
            DoctorChecks.add(
                    into,
                    "runtime " + runtime.name(),
                    runtime.name().equals(chosen) || !status.equals("failed") ? status : "warning",
                    how,
                    probe.remedy().isEmpty()
                            ? "use hardware with virtualization, or the runtime gvisor"
                            : probe.remedy());
        }
    }

    /** When this is closed, only running guests may be left in the kernel. */
    void clearAtEnd() {
        clear = true;
    }

    @Override
    public void close() {
        if (clear) {
            Set<MachineId> running = resources.clear();
            if (!running.isEmpty()) {
                System.getLogger("allod.host")
                        .log(System.Logger.Level.INFO, "guests that run were left, and what they stand on: " + running);
            }
        }
        resources.close();
    }
}
