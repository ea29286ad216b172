package org.allod.linux;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.allod.base.FailedException;

/**
 * The identity of one process, distinct from every other that ever had its pid. The kernel reuses pids, so a daemon
 * that remembered a pid across its own restart could kill an unrelated process.
 *
 * @param pid its pid
 * @param start when it began, in clock ticks since the boot ({@code /proc/PID/stat}, field 22)
 * @param boot the boot's id, since pids and start times begin again with each boot
 */
public record ProcessIdentity(int pid, long start, String boot) {
    private static final int START_FIELD = 22;
    private static final String BOOT = BootId.current();

    /** The process that has this pid now; empty if it has ended, also if it is not reaped yet. */
    public static Optional<ProcessIdentity> of(int pid) {
        try {
            String stat = Files.readString(Path.of("/proc/" + pid + "/stat"), StandardCharsets.ISO_8859_1);
            return parseStat(pid, stat);
        } catch (IOException e) {
            return Optional.empty(); // No such file, or ESRCH while reading: the process is gone either way.
        }
    }

    /** The name of a process may hold spaces and brackets, so fields are counted from its last bracket. */
    static Optional<ProcessIdentity> parseStat(int pid, String stat) {
        int close = stat.lastIndexOf(')');
        String[] fields =
                close < 0 ? new String[0] : stat.substring(close + 1).trim().split(" +", -1);
        int start = START_FIELD - 3;
        if (fields.length <= start || fields[0].equals("Z") || fields[0].equals("X")) {
            return Optional.empty();
        }
        return Optional.of(new ProcessIdentity(pid, Long.parseLong(fields[start]), BOOT));
    }

    /** Parses what {@link #text} wrote; empty for any other text. */
    public static Optional<ProcessIdentity> parse(String text) {
        String[] parts = text.strip().split(" ", -1);
        if (parts.length != 3) {
            return Optional.empty();
        }
        try {
            return Optional.of(new ProcessIdentity(Integer.parseInt(parts[0]), Long.parseLong(parts[1]), parts[2]));
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }

    /** One line, for a file that outlives the daemon. */
    public String text() {
        return pid + " " + start + " " + boot;
    }

    public boolean alive() {
        return of(pid).filter(this::equals).isPresent();
    }

    /**
     * Sends a signal to this process and never to a later one with the same pid: it opens a descriptor, which pins the
     * process, and only then compares the start time.
     *
     * @return false if it has ended
     */
    public boolean signal(int signal) {
        int fd = open();
        if (fd < 0) {
            return false;
        }
        try {
            int result = Libc.pidfdSendSignal(fd, signal);
            if (result < 0 && result != -Libc.ESRCH) {
                throw new FailedException("cannot send signal " + signal + " to process " + pid + ": error " + -result);
            }
            return result == 0;
        } finally {
            Libc.close(fd);
        }
    }

    /** A descriptor of exactly this process, which the caller must close; negative if it has ended. */
    int open() {
        int fd = Libc.pidfdOpen(pid);
        if (fd < 0) {
            if (fd != -Libc.ESRCH) {
                throw new FailedException("cannot watch process " + pid + ": error " + -fd);
            }
            return fd;
        }
        if (!alive()) {
            Libc.close(fd);
            return -Libc.ESRCH;
        }
        return fd;
    }
}
