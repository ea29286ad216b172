package org.allod.runtime;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.allod.base.MachineId;

/**
 * How often memory had run out in a machine's control group when its guest began, so that it shows whether it has since.
 * The guest's own kernel knows nothing of a process of the host's that was killed; and a guest that was killed as a
 * whole says nothing at all. Kept in a file, for the daemon that adopts the guest.
 */
record OomBaseline(RuntimeResources resources, MachineId machine, long before) {
    /** Before a guest begins. */
    static void set(RuntimeResources resources, MachineId machine) {
        RuntimeResources.write(file(resources, machine), resources.cgroups().oomKills(machine.text()) + "\n");
    }

    /** Of a guest that runs. */
    static OomBaseline read(RuntimeResources resources, MachineId machine) {
        try {
            return new OomBaseline(
                    resources,
                    machine,
                    Long.parseLong(Files.readString(file(resources, machine)).strip()));
        } catch (IOException | NumberFormatException e) {
            return new OomBaseline(resources, machine, 0);
        }
    }

    private static Path file(RuntimeResources resources, MachineId machine) {
        return resources.run(machine).resolve("oom");
    }

    /** The end of the guest as the host has seen it. */
    ExitStatus judge(ExitStatus exit) {
        boolean killed = exit.equals(ExitStatus.LOST) || exit.signal() == 9;
        return killed && resources.cgroups().oomKills(machine.text()) > before ? new ExitStatus(137, 9, true) : exit;
    }
}
