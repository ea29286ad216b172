package org.allod.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.allod.base.FailedException;

/** Names this life of the host's kernel: another after each reboot. */
public final class BootId {
    private static final Path FILE = Path.of("/proc/sys/kernel/random/boot_id");

    private BootId() {}

    /** @throws FailedException where the kernel does not tell */
    public static String current() {
        try {
            return Files.readString(FILE).strip();
        } catch (IOException e) {
            throw new FailedException(
                    "cannot read which boot of the host this is from " + FILE + ": " + e.getMessage(), e);
        }
    }
}
