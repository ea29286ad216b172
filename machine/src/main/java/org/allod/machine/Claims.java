package org.allod.machine;

import org.allod.base.MachineId;

/**
 * How a machine comes to its volumes, for those who create and update machines.
 *
 * @param maker of volumes that a configuration asks for and that are not there
 */
record Claims(Attachments attachments, Attachments.Maker maker) {
    /** Takes every volume that {@code config} names; the configuration with their ids filled in. */
    MachineConfig claim(String app, MachineId machine, String runtime, MachineConfig config)
            throws InterruptedException {
        return attachments.claim(app, machine, runtime, config, maker);
    }

    /** Lets go of what the machine's record does not name: all, where there is no record. */
    void settle(MachineId machine) {
        attachments.settle(machine);
    }
}
