package org.allod.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import org.allod.base.FailedException;
import org.allod.linux.Command;

/**
 * Existing clients of the Machines API that the tests run against Allod: those named in {@code host/src/test/clients},
 * installed by npm exactly as its lock file pins them. None of their install scripts is run.
 */
final class TestClients {
    private static final Duration INSTALL = Duration.ofMinutes(5);
    private static final List<String> NAMED = List.of("package.json", "package-lock.json");

    private final Path source = LocalSystem.home().resolve("host/src/test/clients");
    private final Path target;

    TestClients(Path tools) {
        this.target = tools.resolve("clients");
    }

    /** Whether the installed versions are the pinned ones. */
    boolean isThere() {
        try {
            Path installed = target.resolve("package-lock.json");
            return Files.isDirectory(target.resolve("node_modules"))
                    && Files.exists(installed)
                    && Files.mismatch(installed, source.resolve("package-lock.json")) < 0;
        } catch (IOException e) {
            return false;
        }
    }

    String get(Console console) {
        console.progress("installing clients for the tests", "");
        try {
            Files.createDirectories(target);
            // The lock file last: it marks a complete installation.
            for (String name : NAMED) {
                Files.copy(source.resolve(name), target.resolve(name), StandardCopyOption.REPLACE_EXISTING);
            }
            Command.of("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
                    .in(target)
                    .timeout(INSTALL)
                    .output();
        } catch (IOException e) {
            throw new FailedException("cannot put the tests' clients at " + target + ": " + e, e);
        }
        return "by npm, into " + target;
    }
}
