package org.allod.host;

import java.util.Map;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import org.allod.base.FailedException;
import org.allod.base.MachineId;
import org.allod.base.RejectedException;
import org.allod.machine.BootAdmission;
import org.allod.machine.CheckStatus;
import org.allod.machine.Machine;
import org.allod.machine.MachineState;
import org.allod.machine.Machines;
import org.allod.observe.MetricsBuilder;
import org.allod.observe.MetricsSource;
import org.allod.runtime.GuestStats;

/**
 * Resource use of each running machine, and the number of machines in each state. Only running machines have series of
 * their own: a host may have a hundred thousand stopped ones.
 */
final class MachineMetrics implements MetricsSource {
    private final Machines machines;
    private final Supplier<Map<MachineId, Long>> refusedFlows;

    /** @param refusedFlows refused packets of each machine that exceeded its connection limits */
    MachineMetrics(Machines machines, Supplier<Map<MachineId, Long>> refusedFlows) {
        this.machines = machines;
        this.refusedFlows = refusedFlows;
    }

    @Override
    public void collect(MetricsBuilder into) {
        machines.counts()
                .forEach((state, count) -> into.gauge("allod_machines", "Machines by state.", count, "state", state));
        boots(into, machines.boots());
        Map<MachineId, Long> refused = refusedFlows.get();
        for (Machine machine : machines.all()) {
            if (machine.state() == MachineState.STARTED) {
                running(into, machine);
                Long packets = refused.get(machine.id());
                if (packets != null) {
                    into.counter(
                            "allod_machine_network_flows_refused",
                            "Packets that would have begun a connection beyond the machine's bound.",
                            packets,
                            "app",
                            machine.app(),
                            "machine",
                            machine.id().text(),
                            "name",
                            machine.name());
                }
            }
        }
    }

    private static void boots(MetricsBuilder into, BootAdmission.Stats boots) {
        into.gauge("allod_boots_bound", "Guests that may boot or resume at once.", boots.bound());
        into.gauge("allod_boots_running", "Guests that boot or resume now.", boots.running());
        into.counter("allod_boots_admitted", "Boots and resumes whose turn came.", boots.admitted());
        boots.waiting()
                .forEach((priority, count) -> into.gauge(
                        "allod_boots_waiting",
                        "Boots that wait for their turn, by whom they are for.",
                        count,
                        "class",
                        priority.word()));
    }

    private void running(MetricsBuilder into, Machine machine) {
        String[] who = {"app", machine.app(), "machine", machine.id().text(), "name", machine.name()};
        for (CheckStatus check : machines.checks(machine.id())) {
            into.gauge(
                    "allod_machine_check_passing",
                    "1 where a machine's check passes.",
                    check.passing() ? 1 : 0,
                    "app",
                    machine.app(),
                    "machine",
                    machine.id().text(),
                    "check",
                    check.name());
        }
        GuestStats stats;
        try {
            stats = machines.guest(machine).stats();
        } catch (RejectedException | FailedException e) {
            return; // it has just ended, so its series is absent
        }
        known(stats.cpuNanos(), v -> into.counter("allod_machine_cpu_seconds", "Processor time.", v / 1e9, who));
        known(stats.memoryBytes(), v -> into.gauge("allod_machine_memory_bytes", "Memory in use.", v, who));
        known(
                stats.memoryLimitBytes(),
                v -> into.gauge("allod_machine_memory_limit_bytes", "The bound on its memory.", v, who));
        known(stats.processes(), v -> into.gauge("allod_machine_processes", "Processes of the host it has.", v, who));
        known(
                stats.networkReceivedBytes(),
                v -> into.counter("allod_machine_network_received_bytes", "Bytes into the machine.", v, who));
        known(
                stats.networkSentBytes(),
                v -> into.counter("allod_machine_network_sent_bytes", "Bytes out of the machine.", v, who));
        known(
                stats.diskBytes(),
                v -> into.gauge("allod_machine_disk_bytes", "Bytes its writable layer takes.", v, who));
    }

    /** Runtimes report -1 for what they cannot know. */
    private static void known(long value, LongConsumer use) {
        if (value >= 0) {
            use.accept(value);
        }
    }
}
