package org.allod.runtime;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A command to run in a running guest.
 *
 * @param argv the command and its arguments; at least one
 * @param env added to the machine's own environment
 * @param cwd working folder; empty for the image's
 * @param user {@code name}, {@code uid} or {@code uid:gid} as in an image's configuration; empty for the image's
 * @param tty the terminal's size; with a terminal, output and error are one stream
 * @param container the container or process it runs in, if the machine has several; empty for the first
 */
public record ExecSpec(
        List<String> argv,
        Map<String, String> env,
        Optional<String> cwd,
        Optional<String> user,
        Optional<Tty> tty,
        String container) {
    /** A command in the machine's main process, or in the first of several. */
    public ExecSpec(
            List<String> argv,
            Map<String, String> env,
            Optional<String> cwd,
            Optional<String> user,
            Optional<Tty> tty) {
        this(argv, env, cwd, user, tty, "");
    }

    public ExecSpec {
        argv = List.copyOf(argv);
        env = Map.copyOf(env);
    }

    /** A terminal's size in characters. */
    public record Tty(int columns, int rows) {}

    public static ExecSpec of(String... argv) {
        return new ExecSpec(List.of(argv), Map.of(), Optional.empty(), Optional.empty(), Optional.empty());
    }
}
