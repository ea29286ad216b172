package org.allod.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.allod.base.FailedException;
import org.allod.linux.Command;

/**
 * Installs gVisor's {@code runsc} into the tools folder. In order: an installed one that works, the pinned module built
 * with a Go toolchain, Debian's package. It is copied, because running machines must be found by the same program that
 * started them, whatever is upgraded meanwhile.
 */
final class RunscInstaller {
    private static final String MODULE = "gvisor.dev/gvisor/runsc@v0.0.0-20260905035102-160fafc42237";
    private static final int[] GO = {1, 26, 3};

    /** Older versions cannot give a sandbox its own network stack on current kernels (docs/decisions/063-setup.md). */
    private static final int OLDEST_YEAR = 2025;

    private static final Duration BUILD = Duration.ofMinutes(15);
    private static final Duration PROBE = Duration.ofSeconds(20);
    private static final Pattern RELEASE = Pattern.compile("release-(\\d{4})\\d{4}");
    private static final Pattern GO_VERSION = Pattern.compile("go(\\d+)\\.(\\d+)(?:\\.(\\d+))?");

    private final Path target;

    RunscInstaller(Path tools) {
        this.target = tools.resolve("runsc");
    }

    boolean isThere() {
        return Files.isExecutable(target);
    }

    /** Installs it and returns how; empty if that is not possible. */
    Optional<String> get(Console console) {
        Optional<Path> installed =
                LocalSystem.program("runsc").filter(RunscInstaller::isRecent).filter(RunscInstaller::works);
        if (installed.isPresent()) {
            copy(installed.orElseThrow());
            return Optional.of("the one installed at " + installed.orElseThrow());
        }
        Optional<Path> go = LocalSystem.program("go").filter(RunscInstaller::isNewEnough);
        if (go.isPresent()) {
            console.progress("building runsc with Go, which takes a minute or two", "");
            build(go.orElseThrow());
            return Optional.of("built from its pinned source");
        }
        if (LocalSystem.isRoot() && LocalSystem.program("runsc").isEmpty()) {
            console.progress("installing Debian's runsc", "");
            DebianPackages.install(List.of(new DebianPackages.Need("runsc", "gVisor", "")));
        }
        Optional<Path> any = LocalSystem.program("runsc").filter(RunscInstaller::works);
        any.ifPresent(this::copy);
        return any.map(path -> "an old one, at " + path + ", which `allod doctor` may refuse: on current kernels"
                + " Debian 12's cannot suspend; install a current one from gVisor's own packages");
    }

    private static boolean isRecent(Path runsc) {
        Command.Result version = Command.of(runsc.toString(), "--version").run();
        Matcher release = RELEASE.matcher(version.out());
        // One built from source reports no version and counts as recent.
        return version.ok()
                && (release.find()
                        ? Integer.parseInt(release.group(1)) >= OLDEST_YEAR
                        : version.out().contains("VERSION_MISSING"));
    }

    /** Runs a program in a sandbox: an executable file alone proves nothing. */
    static boolean works(Path runsc) {
        if (!LocalSystem.isRoot()) {
            return true;
        }
        try {
            return Command.of(runsc.toString(), "--network=none", "--ignore-cgroups", "do", "/bin/true")
                    .timeout(PROBE)
                    .run()
                    .ok();
        } catch (FailedException e) {
            return false;
        }
    }

    static boolean isNewEnough(Path go) {
        Command.Result version = Command.of("env", "GOTOOLCHAIN=local", go.toString(), "env", "GOVERSION")
                .run();
        Matcher numbers = GO_VERSION.matcher(version.out());
        if (!version.ok() || !numbers.find()) {
            return false;
        }
        for (int i = 0; i < GO.length; i++) {
            int have = numbers.group(i + 1) == null ? 0 : Integer.parseInt(numbers.group(i + 1));
            if (have != GO[i]) {
                return have > GO[i];
            }
        }
        return true;
    }

    private void build(Path go) {
        // Static, because a dynamic one dies in its own sandbox with "error executing umounter".
        Command.of(
                        "env",
                        "CGO_ENABLED=0",
                        "GOTOOLCHAIN=local",
                        "GOBIN=" + target.getParent(),
                        go.toString(),
                        "install",
                        MODULE)
                .timeout(BUILD)
                .output();
    }

    private void copy(Path source) {
        Path half = target.resolveSibling("runsc.new");
        try {
            Files.copy(source, half, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.COPY_ATTRIBUTES);
            Files.move(half, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new FailedException("copying " + source + " to " + target + " failed: " + e, e);
        }
    }
}
