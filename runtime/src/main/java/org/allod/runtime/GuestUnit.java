package org.allod.runtime;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One of several processes or containers that a guest runs beside each other, in place of one main process.
 *
 * @param name unique in the guest; its output is tagged with it
 * @param rootImage the image that is its root, under a writable layer of its own; empty: the guest's own root
 * @param user {@code name}, {@code uid}, {@code name:group} or {@code uid:gid}, resolved in its root; empty: root
 * @param after whom it waits for before it starts
 * @param restart what happens when it ends
 * @param stopSignal asks it to end; after {@code stopTime} it is killed
 * @param checks asked from inside
 */
public record GuestUnit(
        String name,
        Optional<Path> rootImage,
        List<String> argv,
        Map<String, String> env,
        String cwd,
        Optional<String> user,
        List<GuestSpec.File> files,
        List<After> after,
        Restart restart,
        int stopSignal,
        Duration stopTime,
        List<Check> checks) {
    public GuestUnit {
        argv = List.copyOf(argv);
        env = Map.copyOf(env);
        files = List.copyOf(files);
        after = List.copyOf(after);
        checks = List.copyOf(checks);
    }

    /** A process in the guest's own root that waits for nobody and is not restarted. */
    public static GuestUnit process(
            String name, List<String> argv, Map<String, String> env, String cwd, Optional<String> user) {
        return new GuestUnit(
                name,
                Optional.empty(),
                argv,
                env,
                cwd,
                user,
                List.of(),
                List.of(),
                new Restart(Policy.NO, 0),
                15,
                Duration.ofSeconds(5),
                List.of());
    }

    /** This, but waiting for these. */
    public GuestUnit after(After... others) {
        return new GuestUnit(
                name, rootImage, argv, env, cwd, user, files, List.of(others), restart, stopSignal, stopTime, checks);
    }

    /** This, asked these. */
    public GuestUnit checked(Check... asked) {
        return new GuestUnit(
                name, rootImage, argv, env, cwd, user, files, after, restart, stopSignal, stopTime, List.of(asked));
    }

    /** This, asked to end with this signal, and killed after that time. */
    public GuestUnit stoppedBy(int signal, Duration time) {
        return new GuestUnit(name, rootImage, argv, env, cwd, user, files, after, restart, signal, time, checks);
    }

    /** What another must have come to. The numbers are those of docs/guest-channel.md, as for {@link Policy}. */
    public enum Condition {
        STARTED(0),
        HEALTHY(1),
        SUCCEEDED(2);

        final int code;

        Condition(int code) {
            this.code = code;
        }
    }

    public record After(String name, Condition condition) {}

    /** Whether it is started again. */
    public enum Policy {
        NO(0),
        ALWAYS(1),
        ON_FAILURE(2);

        final int code;

        Policy(int code) {
            this.code = code;
        }
    }

    public record Restart(Policy policy, int retries) {}

    /**
     * A health check.
     *
     * @param stops whether one that fails it is stopped, and then restarted or not as its policy says
     */
    public record Check(
            Question question,
            boolean stops,
            Duration interval,
            Duration timeout,
            Duration grace,
            int successes,
            int failures) {}

    /** What a check asks. */
    public sealed interface Question {
        /** A command: yes is exit code 0. */
        record Exec(List<String> argv) implements Question {}

        /** A connection. */
        record Tcp(int port) implements Question {}

        /** A request, sent as it is; yes is 2xx. */
        record Http(int port, String request) implements Question {}
    }
}
