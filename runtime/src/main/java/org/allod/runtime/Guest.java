package org.allod.runtime;

import java.util.concurrent.CompletableFuture;
import org.allod.base.FailedException;
import org.allod.base.MachineId;
import org.allod.base.RejectedException;
import org.allod.linux.Ext4;

/** A running guest. Closing the daemon does not end it; {@link GuestRuntime#halt} does. */
public interface Guest {
    MachineId machine();

    /**
     * Completes once, when the guest's main process has ended or the guest itself has gone. PID 1 holds the report
     * until a daemon takes it, so an exit while no daemon runs is not lost.
     */
    CompletableFuture<ExitStatus> exited();

    /** Sends a signal, by number, to the main process. */
    void signal(int signal);

    /** Starts a command inside. Its streams are bounded; a slow reader slows the command. */
    Exec exec(ExecSpec spec);

    /** The guest's current resource use, measured by the host. */
    GuestStats stats();

    /** Bytes its writable layer takes on the host; -1 if unknown. Cheaper than {@link #stats}. */
    default long diskBytes() {
        return stats().diskBytes();
    }

    /** The host's disk was full and has space again: a guest that was paused by it continues. */
    default void diskHasRoom() {}

    /** The guest's memory limit and how much is available. */
    default GuestMemory memory() {
        return GuestMemory.of(stats().memoryLimitBytes(), stats().memoryBytes());
    }

    /**
     * Changes the maximum memory while it runs, up to what it was started with. Waits for the guest to return memory,
     * with a time limit; the result is the current state.
     */
    default GuestMemory limitMemory(int megabytes) {
        throw fixed();
    }

    /**
     * Returns memory that the guest does not need now to the host; the guest gets it again when it needs it.
     *
     * @return how many megabytes were returned
     */
    default long reclaimMemory(int megabytes) {
        throw fixed();
    }

    private RejectedException fixed() {
        return RejectedException.because(
                RejectedException.Reason.UNSUPPORTED,
                "the memory of machine " + machine() + " cannot be changed while it runs");
    }

    /** Size and free space of a mounted volume. For a microVM the guest reports it, so it may be wrong. */
    default Ext4.Space space(GuestSpec.Volume volume) {
        throw unmounted(volume);
    }

    /** Grows the volume's file system to its disk's new size of {@code bytes}, without a restart. */
    default void grow(GuestSpec.Volume volume, long bytes) {
        throw unmounted(volume);
    }

    private FailedException unmounted(GuestSpec.Volume volume) {
        return new FailedException("the guest of machine " + machine() + " has no volume " + volume.id() + " mounted");
    }
}
