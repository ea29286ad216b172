package org.allod.linux;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.allod.base.FailedException;
import org.allod.base.Poll;

/**
 * Finds the files behind loop devices. A file system that was unmounted may still be mounted elsewhere: a process with
 * a new mount namespace has a copy of all mounts until it drops them, and a dying process until it is gone. Until then
 * the kernel keeps the file system alive; writing to the file behind it would destroy it, and mounting the file again
 * gives the same live file system.
 */
public final class LoopDevices {
    private static final Path DEVICES = Path.of("/sys/block");
    private static final Duration LOOK = Duration.ofMillis(5);

    private LoopDevices() {}

    /** Whether the file is attached to a loop device. */
    public static boolean isAttached(Path file) {
        String wanted = file.toAbsolutePath().normalize().toString();
        try (DirectoryStream<Path> devices = Files.newDirectoryStream(DEVICES, "loop*")) {
            for (Path device : devices) {
                if (backingFileOf(device).equals(wanted)) {
                    return true;
                }
            }
            return false;
        } catch (IOException e) {
            throw new FailedException("cannot list the loop devices in " + DEVICES + ": " + e.getMessage(), e);
        }
    }

    /**
     * Waits until the file is attached to no loop device.
     *
     * @return false if it still is after {@code bound}
     */
    public static boolean detach(Path file, Duration bound) {
        return Poll.within(bound, LOOK, () -> !isAttached(file));
    }

    /** The file behind a loop device; empty if it has none, or has just disappeared. */
    private static String backingFileOf(Path device) {
        try {
            return Files.readString(device.resolve("loop/backing_file")).strip();
        } catch (IOException e) {
            return "";
        }
    }
}
