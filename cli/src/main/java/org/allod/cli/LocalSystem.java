package org.allod.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.allod.base.FailedException;

/** Facts about the system on which the command runs. */
final class LocalSystem {
    private LocalSystem() {}

    static boolean isRoot() {
        try {
            return Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0);
        } catch (IOException e) {
            throw new FailedException("cannot read who this user is from /proc/self: is /proc mounted?", e);
        }
    }

    /** The source clone, or the folder of an installed Allod. */
    static Path home() {
        return Path.of(System.getProperty("allod.home", "/usr/lib/allod"));
    }

    /** The program of this name on the PATH, or at the place where its own installer puts it. */
    static Optional<Path> program(String name) {
        String path = Optional.ofNullable(System.getenv("PATH")).orElse("")
                + ":/usr/sbin:/usr/local/bin:/usr/local/go/bin:" + System.getProperty("user.home") + "/go/bin:"
                + System.getProperty("user.home") + "/.cargo/bin";
        for (String folder : path.split(":", -1)) {
            Path file = Path.of(folder.isEmpty() ? "." : folder, name);
            if (Files.isExecutable(file) && Files.isRegularFile(file)) {
                return Optional.of(file);
            }
        }
        return Optional.empty();
    }
}
