package org.allod.runtime;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import org.allod.linux.Command;

/** Finds, or builds, what tests run for real. */
final class GuestBinary {
    private GuestBinary() {}

    static Path here() {
        return Path.of(Optional.ofNullable(System.getProperty("allod.clone")).orElse(".."))
                .toAbsolutePath()
                .normalize();
    }

    /** PID 1 of the guests, built from this clone's source: nothing to do where it is up to date. */
    static Path path() {
        Command.of(here().resolve("guest/build").toString())
                .timeout(java.time.Duration.ofMinutes(5))
                .output();
        return here().resolve("guest/target/allod-guest");
    }

    /** PID 1 in process, mount and host name namespaces of its own, calling at the socket; ended with the process. */
    static Process start(Path socket, Path output) throws IOException {
        return new ProcessBuilder(
                        "unshare",
                        "--pid",
                        "--fork",
                        "--kill-child",
                        "--mount",
                        "--mount-proc",
                        "--uts",
                        path().toString(),
                        "connect",
                        socket.toString())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
    }

    static Path tools() {
        return Optional.ofNullable(System.getProperty("ALLOD_TOOLS"))
                .or(() -> Optional.ofNullable(System.getenv("ALLOD_TOOLS")))
                .map(Path::of)
                .orElse(here().resolve(".allod/tools"));
    }

    /** Puts this clone's guest binary where runtimes look for it; not again where it is the same. */
    static void install() throws IOException {
        Path tool = tools().resolve("allod-guest");
        if (!Files.exists(tool) || Files.mismatch(path(), tool) >= 0) {
            Path half = tools().resolve("allod-guest.new");
            Files.copy(path(), half, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.COPY_ATTRIBUTES);
            Files.move(half, tool, StandardCopyOption.ATOMIC_MOVE);
        }
    }
}
