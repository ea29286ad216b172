package org.allod.linux;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.allod.base.FailedException;
import org.allod.base.Poll;

/**
 * Which files loop devices have. One that was unmounted may still be mounted elsewhere: every process that has just been
 * given a mount namespace of its own has a copy of all mounts until it drops them, and a dying one until it is gone. Until
 * then its file system lives in the kernel, and whoever writes to the file behind it destroys it; mounted again, it is
 * that same file system as it was.
 */
public final class LoopDevices {
    private static final Path DEVICES = Path.of("/sys/block");
    private static final Duration LOOK = Duration.ofMillis(5);

    private LoopDevices() {}

    /** Whether a loop device has the file. */
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
     * Waits until no loop device has the file.
     *
     * @return false where one still has it after {@code bound}
     */
    public static boolean detach(Path file, Duration bound) {
        return Poll.within(bound, LOOK, () -> !isAttached(file));
    }

    /** Empty where the device has none, and where it has just gone. */
    private static String backingFileOf(Path device) {
        try {
            return Files.readString(device.resolve("loop/backing_file")).strip();
        } catch (IOException e) {
            return "";
        }
    }
}
