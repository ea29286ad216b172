package org.allod.runtime;

import java.util.concurrent.CompletableFuture;
import org.allod.base.FailedException;
import org.allod.base.MachineId;

/** A guest that has exited; only its exit status is left. */
record ExitedGuest(MachineId machine, ExitStatus exit) implements Guest {
    @Override
    public CompletableFuture<ExitStatus> exited() {
        return CompletableFuture.completedFuture(exit);
    }

    @Override
    public void signal(int signal) {
        // The main process has ended: treat it like a signal that arrives too late.
    }

    @Override
    public Exec exec(ExecSpec spec) {
        throw new FailedException("cannot run a command in machine " + machine + ": its main process has ended");
    }

    @Override
    public GuestStats stats() {
        return new GuestStats(-1, -1, -1, 0, -1, -1, 0);
    }
}
