package org.allod.machine;

import org.allod.base.RejectedException;

/**
 * How much of this host machines may use. Machines that run or are about to run count; stopped ones do not. A request
 * that does not fit is refused at once.
 *
 * @param memoryMb memory for all running machines together, in MiB
 * @param cpus processors of the host: the most that one machine may have
 * @param machines the most records, running or not, since each costs memory of the daemon
 */
public record Capacity(long memoryMb, int cpus, int machines) {
    /** Refuses a configuration that could never run on this host. */
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

    /** Refuses to run one more machine if the memory left does not suffice. */
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

    /** How many machines of this size could be created and started now, one after the other. */
    int fits(int eachMb, int eachCpus, long takenMb, int made) {
        if (eachCpus > cpus) {
            return 0;
        }
        long byMemory = Math.max(0, memoryMb - takenMb) / eachMb;
        return (int) Math.min(byMemory, Math.max(0, machines - made));
    }

    /** The memory that a machine uses according to its record, in MiB. */
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
