package org.allod.runtime;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.allod.base.FailedException;
import org.allod.base.MachineId;

/**
 * User ids for virtual machine monitors. Each is used by one machine on the whole host, whichever daemon owns it, and
 * is far from those of people and services, so that a guest that breaks out into its monitor cannot touch another
 * machine's processes or files. An id is claimed by creating a file of that name, which records its owner and is gone
 * after a reboot, as the processes are.
 *
 * @param claims the folder with the claims of all daemons of this host
 * @param instance distinguishes this daemon's machines from another's
 */
record UserIds(Path claims, String instance) {
    /** One for the host, because user ids are. */
    private static final Path HOST = Path.of("/run/allod-users");

    private static final int FIRST = 0x1000_0000;
    private static final int COUNT = 0x1000_0000;

    static UserIds ofHost(String instance) {
        return new UserIds(HOST, instance);
    }

    /**
     * The machine's user id: its current one, or the next free one.
     *
     * @param record the file with the machine's id
     */
    synchronized int claim(MachineId machine, Path record) {
        try {
            int known = read(record);
            if (known >= 0 && ours(known, machine)) {
                return known;
            }
            Files.createDirectories(claims);
            Files.createDirectories(record.resolveSibling(""));
            Path half = record.resolveSibling(record.getFileName() + ".new");
            Files.writeString(half, text(machine));
            try {
                int number = FIRST + (int) (machine.bits() & (COUNT - 1));
                while (!claim(half, number, machine)) {
                    number = FIRST + (number - FIRST + 1) % COUNT;
                }
                Files.writeString(record, number + "\n");
                return number;
            } finally {
                Files.deleteIfExists(half);
            }
        } catch (IOException e) {
            throw new FailedException(
                    "cannot claim a user for machine " + machine + " in " + claims + ": " + e.getMessage(), e);
        }
    }

    /** Creates the claim atomically: a link appears with its content. */
    private boolean claim(Path half, int number, MachineId machine) throws IOException {
        Path claim = claims.resolve(Integer.toString(number));
        try {
            Files.createLink(claim, half);
            return true;
        } catch (FileAlreadyExistsException e) {
            return ours(number, machine);
        }
    }

    private boolean ours(int number, MachineId machine) throws IOException {
        try {
            return Files.readString(claims.resolve(Integer.toString(number))).equals(text(machine));
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    /** Returns the id, if there is one; no process of the machine may be left. */
    synchronized void release(MachineId machine, Path record) {
        try {
            int known = read(record);
            if (known >= 0 && ours(known, machine)) {
                Files.deleteIfExists(claims.resolve(Integer.toString(known)));
            }
            Files.deleteIfExists(record);
        } catch (IOException e) {
            throw new FailedException("cannot give back the user of machine " + machine + ": " + e.getMessage(), e);
        }
    }

    private static int read(Path record) throws IOException {
        try {
            return Integer.parseInt(Files.readString(record).strip());
        } catch (NoSuchFileException | NumberFormatException e) {
            return -1;
        }
    }

    private String text(MachineId machine) {
        return instance + " " + machine.text() + "\n";
    }
}
