package org.allod.linux;

import java.util.List;

/** Links, addresses and routes, by {@code ip} in batches: one process for any number of changes. */
public final class Ip {
    private Ip() {}

    /** Runs the lines in our namespace, in order, and stops at the first that fails. */
    public static void batch(List<String> lines) {
        Command.of("ip", "-batch", "-").input(String.join("\n", lines) + "\n").output();
    }

    /** Runs the lines inside a named namespace. */
    public static void batch(String namespace, List<String> lines) {
        Command.of("ip", "-netns", namespace, "-batch", "-")
                .input(String.join("\n", lines) + "\n")
                .output();
    }

    /** Runs every line, whatever becomes of the others: for taking down what may be half there. */
    public static void attempt(List<String> lines) {
        var _ = Command.of("ip", "-force", "-batch", "-")
                .input(String.join("\n", lines) + "\n")
                .run();
    }
}
