package org.allod.runtime;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A runsc and the way it is used. Which of them works is found by booting a guest, never by its version.
 *
 * @param binary the program
 * @param platform how it catches system calls: {@code systrap} or {@code ptrace}
 * @param network {@code sandbox}: its own network stack, the host's kernel sees only packets; {@code host}: the
 *     namespace's, for a runsc too old to know this kernel
 */
record RunscConfig(Path binary, String platform, String network) {
    boolean sharesNetwork() {
        return network.equals("host");
    }

    /** Debian 12's, of 2022: it can put a writable layer in a file, but not bound it; in memory, the machine's own bound does. */
    private boolean old() {
        return platform.equals("ptrace");
    }

    String how() {
        return platform + ", " + (sharesNetwork() ? "the namespace's network stack" : "own network stack");
    }

    /** One line, for a file. */
    String text() {
        return platform + " " + network + " " + binary;
    }

    static Optional<RunscConfig> parse(String text) {
        String[] words = text.strip().split(" ", 3);
        return words.length == 3
                ? Optional.of(new RunscConfig(Path.of(words[2]), words[0], words[1]))
                : Optional.empty();
    }

    /** The ways to try with one binary, best first. */
    static List<RunscConfig> ways(Path binary) {
        return List.of(
                new RunscConfig(binary, "systrap", "sandbox"),
                new RunscConfig(binary, "systrap", "host"),
                new RunscConfig(binary, "ptrace", "sandbox"),
                new RunscConfig(binary, "ptrace", "host"));
    }

    /**
     * A command line. Old runscs know no {@code --shared-root}; where it is a way that needs them ({@code ptrace}, network
     * of the namespace) it is left out.
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
