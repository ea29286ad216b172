package org.allod.host;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;
import org.allod.base.Clock;
import org.allod.base.Timers;
import org.allod.runtime.GVisorRuntime;
import org.allod.runtime.GuestRuntime;
import org.allod.runtime.LogStore;
import org.allod.runtime.NetworkConfig;
import org.allod.runtime.Premises;
import org.allod.runtime.Probe;
import org.allod.runtime.RuntimeConfig;
import tools.jackson.databind.node.ArrayNode;

/** The runtimes of this host, which of them is the default, and why. */
final class RuntimeChoice implements AutoCloseable {
    private final Premises premises;
    private final Map<String, GuestRuntime> all = new LinkedHashMap<>();
    private final String chosen;

    private RuntimeChoice(Premises premises, HostConfig config) {
        this.premises = premises;
        GuestRuntime gvisor = new GVisorRuntime(premises);
        all.put(gvisor.name(), gvisor);
        this.chosen = config.runtime().orElse("gvisor");
    }

    static RuntimeChoice of(HostConfig config, Clock clock, Timers timers) {
        NetworkConfig network = NetworkConfig.closed(instance(config));
        return new RuntimeChoice(
                new Premises(RuntimeConfig.of(config.data(), config.tools(), network), clock, timers), config);
    }

    /** Tells two daemons of one host apart, for as long as their data folders have these names. */
    private static String instance(HostConfig config) {
        CRC32 crc = new CRC32();
        crc.update(config.data().toString().getBytes(StandardCharsets.UTF_8));
        return "%08x".formatted(crc.getValue());
    }

    Map<String, GuestRuntime> all() {
        return all;
    }

    String chosen() {
        return chosen;
    }

    String reason() {
        return "";
    }

    LogStore logs() {
        return premises.logs();
    }

    void report(boolean probe, ArrayNode into) {
        for (GuestRuntime runtime : all.values()) {
            Probe found = runtime.probe();
            Checkup.add(
                    into, "runtime " + runtime.name(), found.works() ? "ok" : "failed", found.how(), found.remedy());
        }
    }

    @Override
    public void close() {
        premises.close();
    }
}
