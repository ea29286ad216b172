package org.allod.runtime;

import java.util.Optional;
import java.util.Set;
import org.allod.base.MachineId;

/**
 * A way to run guests. The steps of a machine's life call these; each is idempotent, because a step may run twice:
 * after a crash in the middle, calling it again finishes the work or finds it done.
 *
 * <p>Errors: {@link org.allod.base.FailedException} where the host is at fault and another try may help; {@link
 * org.allod.base.RejectedException} where it never will (no room, a feature this runtime lacks).
 */
public interface GuestRuntime {
    /** The name a user gives it: {@code microvm} or {@code gvisor}. */
    String name();

    /** Boots a probe guest and says whether it worked and how fast. Slow (up to a minute); the answer is kept. */
    ProbeResult probe();

    /**
     * What the probe's answer depends on besides the kernel: changes when a tool of this runtime does. An answer is
     * kept only as long as this stays the same.
     */
    default String fingerprint() {
        return "";
    }

    /** Makes ahead everything of a boot that can be: network, control groups, writable layer, bundle. */
    void prepare(GuestSpec spec);

    /**
     * Boots the guest from clean, or returns the one already running. Returns once PID 1 is running. Makes what {@link
     * #prepare} would have made and has not.
     */
    Guest boot(GuestSpec spec);

    /** The guest if it runs now, whoever started it: how a restarted daemon adopts. */
    Optional<Guest> find(MachineId machine);

    /** Saves the running guest's memory under {@code spec}'s machine folder and ends it. Without effect if saved. */
    void suspend(GuestSpec spec);

    /** Continues a suspended guest. The saved memory is used up by it. */
    Guest resume(GuestSpec spec);

    /** Whether memory saved by {@link #suspend} is there to be resumed. */
    boolean hasSavedMemory(MachineId machine);

    /** Drops saved memory, if there is any. */
    void discardSuspended(MachineId machine);

    /** Ends the guest if it runs, and keeps what {@link #prepare} made. Returns once no process of it is left. */
    void halt(MachineId machine);

    /**
     * Forgets that a stopped machine is ready for a start: what it held of the kernel is about to be released. The next
     * start makes it again.
     */
    default void release(MachineId machine) {}

    /** Drops a writable layer that was kept ({@link GuestSpec.Options#keepRoot}) of a guest that does not run. */
    default void forgetRoot(MachineId machine) {}

    /** Ends the guest and removes everything of it: processes, mounts, network, control groups, files. */
    void remove(MachineId machine);

    /**
     * Does {@code work} while nothing writes to a volume of the machine, and lets the guest go on, whatever becomes of
     * the work. The machine cannot be started, ended or suspended meanwhile. Done again after a crash in the middle, it
     * lets the guest go on too.
     */
    default <T> T withVolumeQuiesced(MachineId machine, GuestSpec.Volume volume, QuiesceMode.Work<T> work)
            throws InterruptedException {
        return work.run(QuiesceMode.IDLE);
    }

    /**
     * Takes away what machines have in common and none has use for any more: what a daemon left that was killed in
     * between. For a daemon that starts, once it has removed what is left of unknown machines, and before any step.
     */
    default void tidy() {}

    /** Every machine of which anything is found on this host: processes, namespaces, control groups, folders. */
    Set<MachineId> present();
}
