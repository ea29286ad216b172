package org.allod.runtime;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.allod.base.FailedException;
import org.jspecify.annotations.Nullable;

/**
 * Chooses the runsc binary and its options: the probe's result, stored in a file and valid for the same binaries on the
 * same kernel.
 */
final class RunscSelector implements Supplier<RunscConfig> {
    private final RuntimeResources resources;
    private final Path file;
    private @Nullable RunscConfig chosen;

    RunscSelector(RuntimeResources resources) {
        this.resources = resources;
        this.file = resources.config().data().resolve("runsc-choice");
    }

    /** The stored choice; without one the probe runs now, which takes seconds. */
    @Override
    public synchronized RunscConfig get() {
        if (chosen == null) {
            Optional<RunscConfig> kept = kept();
            if (kept.isEmpty()) {
                ProbeResult probe = new RunscProbe(resources).probe();
                kept = kept();
                if (!probe.works() || kept.isEmpty()) {
                    throw new FailedException("gVisor does not work on this host: " + String.join("; ", probe.details())
                            + ". " + probe.remedy());
                }
            }
            chosen = kept.get();
        }
        return chosen;
    }

    private Optional<RunscConfig> kept() {
        try {
            List<String> lines = Files.readAllLines(file);
            return lines.size() == 2
                            && lines.getFirst()
                                    .equals(fingerprint(resources.config().tools()))
                    ? RunscConfig.parse(lines.get(1))
                    : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    void keep(RunscConfig runsc) {
        try {
            Files.createDirectories(file.getParent());
            // Moved into place only when complete: a partial file would make every start probe again.
            Path half = file.resolveSibling(file.getFileName() + ".new");
            Files.writeString(half, fingerprint(resources.config().tools()) + "\n" + runsc.text() + "\n");
            Files.move(half, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new FailedException("cannot write " + file + ": " + e.getMessage(), e);
        }
    }

    /** The available binaries: an installed one, the bundled one, Debian's. A link is resolved. */
    static List<Path> binaries(Path tools) {
        List<Path> found = new ArrayList<>();
        for (Path path : List.of(Path.of("/usr/local/bin/runsc"), tools.resolve("runsc"), Path.of("/usr/bin/runsc"))) {
            try {
                Path real = path.toRealPath();
                if (Files.isExecutable(real) && !found.contains(real)) {
                    found.add(real);
                }
            } catch (IOException e) {
                // It does not exist.
            }
        }
        return found;
    }

    /** Changes when a runsc, PID 1 or the kernel does. */
    static String fingerprint(Path tools) {
        List<Path> files = new ArrayList<>(binaries(tools));
        files.add(tools.resolve("allod-guest"));
        return fingerprint(files) + kernel();
    }

    /** Identifies these files and whether they exist: changes with each of them. */
    static String fingerprint(List<Path> files) {
        StringBuilder text = new StringBuilder();
        for (Path path : files) {
            text.append(path).append(' ');
            try {
                text.append(Files.size(path)).append(' ');
                text.append(Files.getLastModifiedTime(path).toMillis()).append(' ');
            } catch (IOException e) {
                text.append("gone ");
            }
        }
        return text.toString();
    }

    static String kernel() {
        try {
            return Files.readString(Path.of("/proc/sys/kernel/osrelease")).strip();
        } catch (IOException e) {
            return "unknown kernel";
        }
    }
}
