package org.allod.runtime;

import java.util.concurrent.CompletableFuture;
import org.allod.base.MachineId;

/** A guest that runs. Closing the daemon does not end it; {@link GuestRuntime#halt} does. */
public interface Guest {
    MachineId machine();

    /**
     * Completes once when the guest's main process has ended, or when the guest itself has gone. PID 1 holds the
     * report until it is taken, so an exit while no daemon was there is not lost.
     */
    CompletableFuture<Exit> exited();

    /** Sends a signal, by number, to the main process. */
    void signal(int signal);

    /** Starts a command inside. Its streams are bounded; a slow reader slows the command. */
    Exec exec(ExecSpec spec);

    /** What the guest uses now, read from the host's side. */
    Stats stats();
}
