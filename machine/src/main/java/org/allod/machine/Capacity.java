package org.allod.machine;

import org.allod.base.RejectedException;

/**
 * How much of this host machines may take. Counted for machines that run or are about to; one that is stopped takes
 * nothing. A refusal comes at once, never later.
 *
 * @param memoryMb memory for all running machines together
 * @param cpus processors of the host: the most one machine may have
 * @param machines records, running or not: each costs memory of the daemon
 */
public record Capacity(long memoryMb, int cpus, int machines) {
    /** Refuses what could never run here. */
    void possible(MachineConfig config) {
        if (config.memoryMb() > memoryMb) {
            throw RejectedException.because(
                    RejectedException.Reason.CAPACITY,
                    "config.guest.memory_mb is %d: this host has %d MB for machines"
                            .formatted(config.memoryMb(), memoryMb),
                    "ask for less memory, or create the machine on a larger host");
        }
        if (config.cpus() > cpus) {
            throw RejectedException.because(
                    RejectedException.Reason.CAPACITY,
                    "config.guest.cpus is %d: this host has %d processors".formatted(config.cpus(), cpus),
                    "ask for fewer processors, or create the machine on a larger host");
        }
    }

    /** Refuses to run one more machine where the others have taken the room. */
    void room(int wantedMb, long takenMb) {
        if (takenMb + wantedMb > memoryMb) {
            throw RejectedException.because(
                    RejectedException.Reason.CAPACITY,
                    "could not reserve resource for machine: insufficient memory: it wants %d MB and %d of %d MB are "
                                    .formatted(wantedMb, takenMb, memoryMb)
                            + "taken by running machines",
                    "stop or destroy another machine, or ask for less memory");
        }
    }

    /** How many machines of this size could be made and started now, one after the other. */
    int fits(int eachMb, int eachCpus, long takenMb, int made) {
        if (eachCpus > cpus) {
            return 0;
        }
        long byMemory = Math.max(0, memoryMb - takenMb) / eachMb;
        return (int) Math.min(byMemory, Math.max(0, machines - made));
    }

    /** The memory a machine takes as its record says. */
    static int memoryOf(Machine m) {
        return runs(m.state()) ? m.config().memoryMb() : 0;
    }

    private static boolean runs(MachineState state) {
        return switch (state) {
            case STARTING, STARTED, STOPPING, SUSPENDING, RESTARTING, UPDATING -> true;
            case CREATING, CREATED, STOPPED, SUSPENDED, FAILED, DESTROYING, DESTROYED -> false;
        };
    }
}
