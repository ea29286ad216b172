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
record OomMark(Premises premises, MachineId machine, long before) {
    /** Before a guest begins. */
    static void set(Premises premises, MachineId machine) {
        Premises.write(file(premises, machine), premises.cgroups().oomKills(machine.text()) + "\n");
    }

    /** Of a guest that runs. */
    static OomMark of(Premises premises, MachineId machine) {
        try {
            return new OomMark(
                    premises,
                    machine,
                    Long.parseLong(Files.readString(file(premises, machine)).strip()));
        } catch (IOException | NumberFormatException e) {
            return new OomMark(premises, machine, 0);
        }
    }

    private static Path file(Premises premises, MachineId machine) {
        return premises.run(machine).resolve("oom");
    }

    /** The end of the guest as the host has seen it. */
    Exit judge(Exit exit) {
        boolean killed = exit.equals(Exit.LOST) || exit.signal() == 9;
        return killed && premises.cgroups().oomKills(machine.text()) > before ? new Exit(137, 9, true) : exit;
    }
}
