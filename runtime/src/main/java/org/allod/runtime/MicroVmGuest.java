package org.allod.runtime;

import java.util.concurrent.CompletableFuture;
import org.allod.base.MachineId;
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
        return premises.stats(machine, vm.diskBytes());
    }
}
