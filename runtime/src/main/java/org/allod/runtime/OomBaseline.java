package org.allod.runtime;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.allod.base.MachineId;

/**
 * The number of out-of-memory kills in a machine's control group when its guest started, to tell whether one happened
 * since. The guest's own kernel does not know of a kill on the host, and a guest that was killed as a whole reports
 * nothing. Stored in a file for the daemon that adopts the guest.
 */
record OomBaseline(RuntimeResources resources, MachineId machine, long before) {
    /** Records the count before a guest starts. */
    static void set(RuntimeResources resources, MachineId machine) {
        RuntimeResources.write(file(resources, machine), resources.cgroups().oomKills(machine.text()) + "\n");
    }

    /** Reads the count for a running guest. */
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

    /** The guest's exit, corrected by what the host has seen. */
    ExitStatus judge(ExitStatus exit) {
        boolean killed = exit.equals(ExitStatus.LOST) || exit.signal() == 9;
        return killed && resources.cgroups().oomKills(machine.text()) > before ? new ExitStatus(137, 9, true) : exit;
    }
}
