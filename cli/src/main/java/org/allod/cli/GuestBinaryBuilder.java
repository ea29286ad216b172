package org.allod.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import org.allod.base.FailedException;
import org.allod.linux.Command;

/** Builds the machines' PID 1 from {@code guest/} into the tools folder. An installed Allod ships it built. */
final class GuestBinaryBuilder {
    private static final Duration BUILD = Duration.ofMinutes(10);

    private final Path source = LocalSystem.home().resolve("guest");
    private final Path target;

    GuestBinaryBuilder(Path tools) {
        this.target = tools.resolve("allod-guest");
    }

    /** Whether it exists and is as new as its source. */
    boolean isThere() {
        if (!Files.isExecutable(target)) {
            return false;
        }
        if (!Files.isDirectory(source.resolve("src"))) {
            return true;
        }
        return Command.of(
                        "find",
                        source.resolve("src").toString(),
                        source.resolve("Cargo.toml").toString(),
                        "-newer",
                        target.toString(),
                        "-print",
                        "-quit")
                .output()
                .isBlank();
    }

    String get(Console console) {
        if (!Files.isExecutable(source.resolve("build"))) {
            throw new FailedException("there is no " + source.resolve("build") + " to build the guest's PID 1 with");
        }
        if (LocalSystem.program("cargo").isEmpty()
                && LocalSystem.program("rustc").isEmpty()) {
            console.progress("installing rustc, which builds the guest's PID 1", "");
            DebianPackages.install(List.of(new DebianPackages.Need("rustc", "builds the guest's PID 1", "")));
        }
        console.progress("building the guest's PID 1", "");
        Command.of(source.resolve("build").toString()).timeout(BUILD).output();
        Path half = target.resolveSibling("allod-guest.new");
        try {
            Files.copy(source.resolve("target/allod-guest"), half, StandardCopyOption.REPLACE_EXISTING);
            if (!half.toFile().setExecutable(true, false)) {
                throw new IOException("cannot make it executable");
            }
            Files.move(half, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new FailedException("putting the guest's PID 1 at " + target + " failed: " + e, e);
        }
        return "built from " + source;
    }
}
