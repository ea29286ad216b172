package org.allod.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.allod.base.Failed;

/** Kernel settings under {@code /proc/sys}, by path, as interface names may hold dots. */
public final class Sysctl {
    private static final Path FOLDER = Path.of("/proc/sys");

    private Sysctl() {}

    /** The setting's value, or nothing where this kernel has no such setting. */
    public static Optional<String> read(String path) {
        try {
            return Optional.of(Files.readString(FOLDER.resolve(path)).strip());
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    public static void write(String path, String value) {
        try {
            Files.writeString(FOLDER.resolve(path), value);
        } catch (IOException e) {
            throw new Failed("cannot set /proc/sys/" + path + " to " + value + ": " + e.getMessage(), e);
        }
    }
}
