package org.allod.linux;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.allod.base.FailedException;

/** Kernel settings under {@code /proc/sys}; named by path, because interface names may contain dots. */
public final class Sysctl {
    private static final Path FOLDER = Path.of("/proc/sys");

    private Sysctl() {}

    /** The setting's value; empty if this kernel has no such setting. */
    public static Optional<String> read(String path) {
        // Use a single read, because the kernel returns a number only to the first one.
        byte[] value = new byte[4_096];
        try (InputStream file = Files.newInputStream(FOLDER.resolve(path))) {
            int length = Math.max(0, file.read(value));
            return Optional.of(new String(value, 0, length, StandardCharsets.US_ASCII).strip());
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    public static void write(String path, String value) {
        try {
            Files.writeString(FOLDER.resolve(path), value);
        } catch (IOException e) {
            throw new FailedException("cannot set /proc/sys/" + path + " to " + value + ": " + e.getMessage(), e);
        }
    }
}
