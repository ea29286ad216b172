package org.allod.machine;

import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Optional;

/** Stops a machine because the disk is full: at once, also if the disk is too full to record it. */
final class DiskPressureStopper {
    private static final System.Logger LOG = System.getLogger("allod.machine");
    private static final int KILL = 9;

    private final Machines machines;
    private final MachineRecords records;
    private final GuestSpecFactory specs;

    DiskPressureStopper(Machines machines, MachineRecords records, GuestSpecFactory specs) {
        this.machines = machines;
        this.records = records;
        this.specs = specs;
    }

    void end(Machine m, String why) throws InterruptedException {
        try {
            machines.stop(m, Optional.of(KILL), Optional.of(Duration.ZERO), new Actor.Host("disk"));
        } catch (RuntimeException e) {
            // Not even a run can be started, so end the guest directly. That frees space, and the reconciler, told of
            // the exit, decides what follows.
            LOG.log(Level.WARNING, "machine " + m.id() + " is ended without a run: " + e.getMessage());
            specs.runtime(m).halt(m.id());
        }
        var _ = records.change(
                m.id(), now -> now, new MachineRecords.Note("disk_full", "flyd", GuestOperations.reason(why)));
    }
}
