package org.allod.runtime;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A runsc binary and its options. A probe boot decides which combination works, never the version.
 *
 * @param binary the program
 * @param platform how it intercepts system calls: {@code systrap} or {@code ptrace}
 * @param network {@code sandbox}: its own network stack, the host's kernel sees only packets; {@code host}: the
 *     namespace's stack, for a runsc too old for this kernel
 */
record RunscConfig(Path binary, String platform, String network) {
    boolean sharesNetwork() {
        return network.equals("host");
    }

    /**
     * Debian 12's runsc of 2022 can put a writable layer in a file but not limit its size; in memory, the machine's
     * memory limit applies.
     */
    private boolean old() {
        return platform.equals("ptrace");
    }

    String how() {
        return platform + ", " + (sharesNetwork() ? "the namespace's network stack" : "own network stack");
    }

    /** One line, for storage in a file. */
    String text() {
        return platform + " " + network + " " + binary;
    }

    static Optional<RunscConfig> parse(String text) {
        String[] words = text.strip().split(" ", 3);
        return words.length == 3
                ? Optional.of(new RunscConfig(Path.of(words[2]), words[0], words[1]))
                : Optional.empty();
    }

    /** The configurations to try with one binary, best first. */
    static List<RunscConfig> ways(Path binary) {
        return List.of(
                new RunscConfig(binary, "systrap", "sandbox"),
                new RunscConfig(binary, "systrap", "host"),
                new RunscConfig(binary, "ptrace", "sandbox"),
                new RunscConfig(binary, "ptrace", "host"));
    }

    /**
     * A command line. Old versions of runsc do not know {@code --shared-root}; it is omitted for the configurations
     * that need them ({@code ptrace}, the namespace's network).
     */
    List<String> line(SandboxPaths folders, Path shared, int diskMb, List<String> command) {
        List<String> line = new ArrayList<>(List.of(
                binary.toString(),
                "--root=" + folders.state(),
                "--platform=" + platform,
                "--network=" + network,
                "--host-uds=open",
                "--overlay2=root:" + (old() ? "memory" : "dir=" + folders.upper() + ",size=" + ((long) diskMb << 20))));
        if (!sharesNetwork() && !old()) {
            line.add("--shared-root=" + shared);
        }
        line.addAll(command);
        line.add(folders.machine().text());
        return line;
    }
}
