package org.allod.runtime;

import java.util.concurrent.CompletableFuture;
import org.allod.base.MachineId;
import org.allod.linux.Cgroups;
import org.allod.linux.ProcessId;

/** A guest in a virtual machine. */
record MicroVmGuest(Premises premises, MachineId machine, MicroVm vm, ProcessId process, GuestChannel channel)
        implements Guest {
    @Override
    public CompletableFuture<Exit> exited() {
        return channel.exited();
    }

    @Override
    public void signal(int signal) {
        channel.signal(signal);
    }

    @Override
    public Exec exec(ExecSpec spec) {
        return channel.exec(spec);
    }

    @Override
    public Stats stats() {
        Cgroups.Usage usage = premises.cgroups().usage(machine.text());
        Networks.Traffic traffic = premises.networks().traffic(machine);
        return new Stats(
                usage.cpuNanos(),
                usage.memoryBytes(),
                usage.memoryLimitBytes(),
                usage.processes(),
                traffic.received(),
                traffic.sent(),
                vm.diskBytes());
    }
}
