package org.allod.runtime;

import java.util.concurrent.CompletableFuture;
import org.allod.base.FailedException;
import org.allod.base.MachineId;
import org.allod.base.RejectedException;
import org.allod.linux.Ext4;

/** A guest that runs. Closing the daemon does not end it; {@link GuestRuntime#halt} does. */
public interface Guest {
    MachineId machine();

    /**
     * Completes once when the guest's main process has ended, or when the guest itself has gone. PID 1 holds the
     * report until it is taken, so an exit while no daemon was there is not lost.
     */
    CompletableFuture<ExitStatus> exited();

    /** Sends a signal, by number, to the main process. */
    void signal(int signal);

    /** Starts a command inside. Its streams are bounded; a slow reader slows the command. */
    Exec exec(ExecSpec spec);

    /** What the guest uses now, read from the host's side. */
    GuestStats stats();

    /** Bytes its writable layer takes on the host; -1 where that cannot be told. Cheaper than all of {@link #stats}. */
    default long diskBytes() {
        return stats().diskBytes();
    }

    /** The host's disk was full and has room again: a guest that stands still for that goes on. */
    default void diskHasRoom() {}

    /** What memory it has and has left. */
    default GuestMemory memory() {
        return GuestMemory.of(stats().memoryLimitBytes(), stats().memoryBytes());
    }

    /**
     * Changes the most memory it can use, for as long as it runs; at most what it was started with. Waits for the guest
     * to hand over what it must, but not for long: the answer says what is so now.
     */
    default GuestMemory limitMemory(int megabytes) {
        throw fixed();
    }

    /**
     * Gives the host back memory that the guest can do without now; it gets it again when it needs it.
     *
     * @return how many megabytes it was, at once
     */
    default long reclaimMemory(int megabytes) {
        throw fixed();
    }

    private RejectedException fixed() {
        return RejectedException.because(
                RejectedException.Reason.UNSUPPORTED,
                "the memory of machine " + machine() + " cannot be changed while it runs");
    }

    /** What a mounted volume has and has left. From a virtual machine it is the guest's own claim. */
    default Ext4.Space space(GuestSpec.Volume volume) {
        throw unmounted(volume);
    }

    /** Makes the volume's file system as large as its disk, which has become {@code bytes}. Without a restart. */
    default void grow(GuestSpec.Volume volume, long bytes) {
        throw unmounted(volume);
    }

    private FailedException unmounted(GuestSpec.Volume volume) {
        return new FailedException("the guest of machine " + machine() + " has no volume " + volume.id() + " mounted");
    }
}
