package org.allod.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.Set;
import org.allod.base.FailedException;

/** Reading and writing the files of one control group's folder. */
final class CgroupFiles {
    private static final Duration EMPTYING = Duration.ofSeconds(10);

    private CgroupFiles() {}

    static void make(Path folder) {
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw new FailedException("cannot make the control group " + folder + ": " + e.getMessage(), e);
        }
    }

    static void write(Path file, String value) {
        try {
            Files.writeString(file, value);
        } catch (IOException e) {
            throw new FailedException("cannot write " + value + " to " + file + ": " + e.getMessage(), e);
        }
    }

    /** Writes the file if it exists; some depend on how the kernel was built. */
    static void writeIfPresent(Path file, String value) {
        if (Files.exists(file)) {
            write(file, value);
        }
    }

    /** The file's text; empty if the group is gone. */
    static String read(Path file) {
        try {
            return Files.readString(file).strip();
        } catch (IOException e) {
            return "";
        }
    }

    /** The file's number; -1 if it holds {@code max} or does not exist. */
    static long number(Path file) {
        return parse(read(file));
    }

    static long parse(String text) {
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            return -1;
        }
    }

    /** The number after {@code key} in a file of {@code key number} lines, or -1. */
    static long field(Path file, String key) {
        return field(read(file), key);
    }

    static long field(String text, String key) {
        return text.lines()
                .filter(line -> line.startsWith(key + " "))
                .findFirst()
                .map(line -> parse(line.substring(key.length() + 1).strip()))
                .orElse(-1L);
    }

    static Set<Integer> processes(Path folder) {
        Set<Integer> pids = new LinkedHashSet<>();
        read(folder.resolve("cgroup.procs")).lines().forEach(line -> pids.add(Integer.valueOf(line.strip())));
        return pids;
    }

    static void signalAll(Path folder, int signal) {
        for (int pid : processes(folder)) {
            // The pid was read a moment ago; the identity guards against its reuse in between.
            ProcessIdentity.of(pid).ifPresent(process -> {
                var _ = process.signal(signal);
            });
        }
    }

    /** Removes the folder, retrying, because a group that has just become empty may stay busy for a moment. */
    static void remove(Path folder) {
        Cgroups.await(EMPTYING, "the removal of the control group " + folder, () -> {
            try {
                Files.delete(folder);
                return true;
            } catch (NoSuchFileException e) {
                return true;
            } catch (IOException e) {
                return false;
            }
        });
    }
}
