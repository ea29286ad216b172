package org.allod.host;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.zip.CRC32;
import org.allod.base.Clock;
import org.allod.base.MachineId;
import org.allod.base.Rejected;
import org.allod.base.Timers;
import org.allod.runtime.GVisorRuntime;
import org.allod.runtime.GuestRuntime;
import org.allod.runtime.LogStore;
import org.allod.runtime.MicroVmRuntime;
import org.allod.runtime.NetworkConfig;
import org.allod.runtime.Premises;
import org.allod.runtime.Probe;
import org.allod.runtime.ReleasingRuntime;
import org.allod.runtime.RuntimeConfig;
import org.allod.runtime.Runtimes;
import tools.jackson.databind.node.ArrayNode;

/**
 * The runtimes of this host, which of them is the default, and why. What their probes found is kept beside the tools it
 * depends on, so that only the first start on a host waits for it.
 */
final class RuntimeChoice implements AutoCloseable {
    private final Premises premises;
    private final Runtimes runtimes;
    private final String chosen;
    private final String reason;
    private volatile boolean clear;

    private RuntimeChoice(Premises premises, HostConfig config) {
        this.premises = premises;
        this.runtimes = new Runtimes(
                config.tools(),
                List.of(
                        new ReleasingRuntime(new MicroVmRuntime(premises), premises),
                        new ReleasingRuntime(new GVisorRuntime(premises), premises)));
        if (config.runtime().isPresent()) {
            this.chosen = runtimes.named(config.runtime().get()).name();
            this.reason = chosen + ", because --runtime says so";
        } else {
            Runtimes.Choice choice = runtimes.choose();
            this.chosen = choice.runtime()
                    .map(GuestRuntime::name)
                    .orElseThrow(
                            () -> Rejected.because(
                                    Rejected.Reason.UNSUPPORTED,
                                    choice.why(),
                                    "run `allod setup`, which brings what is missing; --runtime NAME starts the daemon anyway"));
            this.reason = choice.why();
        }
    }

    static RuntimeChoice of(HostConfig config, Clock clock, Timers timers) {
        NetworkConfig network = NetworkConfig.ofHost(instance(config));
        Premises premises = new Premises(RuntimeConfig.of(config.data(), config.tools(), network), clock, timers);
        try {
            return new RuntimeChoice(premises, config);
        } catch (RuntimeException e) {
            premises.close();
            throw e;
        }
    }

    /** Tells two daemons of one host apart, for as long as their data folders have these names. */
    private static String instance(HostConfig config) {
        CRC32 crc = new CRC32();
        crc.update(config.data().toString().getBytes(StandardCharsets.UTF_8));
        return "%08x".formatted(crc.getValue());
    }

    /** Every runtime a machine may ask for by name, whether or not it works here. */
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

    /** Packets by which machines would have begun more connections than they may have. */
    Map<MachineId, Long> refusedFlows() {
        return premises.networks().refused();
    }

    LogStore logs() {
        return premises.logs();
    }

    /** Adds what each runtime's probe found. */
    void report(boolean again, ArrayNode into) {
        for (GuestRuntime runtime : runtimes.all()) {
            Probe probe = again ? runtimes.reprobe(runtime.name()) : runtimes.probe(runtime.name());
            String how = probe.works()
                    ? probe.how() + ", booted in " + probe.boot().toMillis() + " ms"
                            + (probe.accelerated() ? "" : "; emulated, so slow")
                    : String.join("; ", probe.details());
            String status = probe.works() ? (probe.accelerated() ? "ok" : "warning") : "failed";
            Checkup.add(
                    into,
                    "runtime " + runtime.name(),
                    runtime.name().equals(chosen) || !status.equals("failed") ? status : "warning",
                    how,
                    probe.remedy().isEmpty()
                            ? "use hardware with virtualization, or the runtime gvisor"
                            : probe.remedy());
        }
    }

    /** When this is closed, nothing but guests that run is to be left in the kernel. */
    void clearAtEnd() {
        clear = true;
    }

    @Override
    public void close() {
        if (clear) {
            Set<MachineId> running = premises.clear();
            if (!running.isEmpty()) {
                System.getLogger("allod.host")
                        .log(System.Logger.Level.INFO, "guests that run were left, and what they stand on: " + running);
            }
        }
        premises.close();
    }
}
