package org.allod.cli;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import org.allod.base.FailedException;
import org.allod.linux.Command;

/** Debian's own runsc, for the tests: extracted from its package, never installed on the host. */
final class DebianRunsc {
    private static final Duration DOWNLOAD = Duration.ofMinutes(5);

    private final Path target;

    DebianRunsc(Path tools) {
        this.target = tools.resolve("debian").resolve("runsc");
    }

    boolean isThere() {
        return Files.isExecutable(target);
    }

    String get(Console console) {
        console.progress("downloading Debian's runsc for the tests", "");
        Path work = target.resolveSibling("work");
        try {
            Files.createDirectories(work);
            var _ = Command.of("apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", "runsc")
                    .in(work)
                    .timeout(DOWNLOAD)
                    .output();
            try (DirectoryStream<Path> packages = Files.newDirectoryStream(work, "runsc_*.deb")) {
                for (Path file : packages) {
                    var _ = Command.of("dpkg-deb", "-x", file.toString(), work.toString())
                            .timeout(DOWNLOAD)
                            .output();
                }
            }
            Files.move(work.resolve("usr/bin/runsc"), target, StandardCopyOption.ATOMIC_MOVE);
            var _ = Command.of("rm", "-rf", work.toString()).output();
        } catch (IOException e) {
            throw new FailedException("cannot put Debian's runsc at " + target + ": " + e, e);
        }
        return "unpacked, not installed";
    }
}
