package org.allod.runtime;

import java.util.Optional;
import java.util.Set;
import org.allod.base.MachineId;

/**
 * A way to run guests. The steps of lifecycle runs call these. Every method is idempotent, because steps are retried:
 * calling it again after a crash finishes the work or finds it done.
 *
 * <p>Errors: {@link org.allod.base.FailedException} if the host is at fault and another attempt may help; {@link
 * org.allod.base.RejectedException} if no attempt can succeed (no capacity, a feature this runtime lacks).
 */
public interface GuestRuntime {
    /** The name by which users select it: {@code microvm} or {@code gvisor}. */
    String name();

    /** Boots a probe guest and reports whether it worked and how fast. Slow (up to a minute); the result is cached. */
    ProbeResult probe();

    /**
     * What the probe's result depends on besides the kernel: changes when a tool of this runtime does. A cached result
     * is valid only while this stays the same.
     */
    default String fingerprint() {
        return "";
    }

    /** Does in advance everything of a boot that can be: network, control groups, writable layer, bundle. */
    void prepare(GuestSpec spec);

    /**
     * Boots the guest from clean, or returns the one already running. Returns once PID 1 is running. Does whatever
     * {@link #prepare} has not done.
     */
    Guest boot(GuestSpec spec);

    /** The guest if it runs now, whoever started it: this is how a restarted daemon adopts guests. */
    Optional<Guest> find(MachineId machine);

    /**
     * Saves the running guest's memory under {@code spec}'s machine folder and ends the guest. No effect if its memory
     * is saved already.
     */
    void suspend(GuestSpec spec);

    /** Resumes a suspended guest. Consumes the saved memory. */
    Guest resume(GuestSpec spec);

    /** Whether memory saved by {@link #suspend} can be resumed. */
    boolean hasSavedMemory(MachineId machine);

    /** Deletes saved memory, if there is any. */
    void discardSuspended(MachineId machine);

    /** Ends the guest if it runs, and keeps what {@link #prepare} made. Returns once no process of it is left. */
    void halt(MachineId machine);

    /**
     * Discards the preparation of a stopped machine, because its kernel resources are about to be released. The next
     * start prepares it again.
     */
    default void release(MachineId machine) {}

    /** Deletes a kept writable layer ({@link GuestSpec.Options#keepRoot}) of a guest that does not run. */
    default void forgetRoot(MachineId machine) {}

    /** Ends the guest and removes everything of it: processes, mounts, network, control groups, files. */
    void remove(MachineId machine);

    /**
     * Does {@code work} while nothing writes to a volume of the machine, and lets the guest continue afterwards,
     * whether or not the work succeeded. The machine cannot be started, ended or suspended meanwhile. A retry after a
     * crash also lets the guest continue.
     */
    default <T> T withVolumeQuiesced(MachineId machine, GuestSpec.Volume volume, QuiesceMode.Work<T> work)
            throws InterruptedException {
        return work.run(QuiesceMode.IDLE);
    }

    /**
     * Removes shared resources that no machine uses any more and that a killed daemon left. Called at the daemon's
     * start, after unknown machines have been removed and before any step runs.
     */
    default void tidy() {}

    /** Every machine with anything on this host: processes, namespaces, control groups, folders. */
    Set<MachineId> present();
}
