package org.allod.runtime;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One of several processes or containers that run in one guest instead of a single main process.
 *
 * @param name unique in the guest; its output is tagged with it
 * @param rootImage the image of its root, under a writable layer of its own; empty: the guest's own root
 * @param user {@code name}, {@code uid}, {@code name:group} or {@code uid:gid}, resolved in its root; empty: root
 * @param after the units it waits for before it starts
 * @param restart what happens after it exits
 * @param stopSignal requests its end; after {@code stopTime} it is killed
 * @param checks health checks, run inside the guest
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

    /** A process in the guest's own root, without dependencies or restarts. */
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

    /** A copy that waits for these. */
    public GuestUnit after(After... others) {
        return new GuestUnit(
                name, rootImage, argv, env, cwd, user, files, List.of(others), restart, stopSignal, stopTime, checks);
    }

    /** A copy with these checks. */
    public GuestUnit checked(Check... asked) {
        return new GuestUnit(
                name, rootImage, argv, env, cwd, user, files, after, restart, stopSignal, stopTime, List.of(asked));
    }

    /** A copy that is ended with this signal, and killed after that time. */
    public GuestUnit stoppedBy(int signal, Duration time) {
        return new GuestUnit(name, rootImage, argv, env, cwd, user, files, after, restart, signal, time, checks);
    }

    /**
     * The state that another unit must have reached. The numbers are those of docs/guest-channel.md, as for {@link
     * Policy}.
     */
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

    /** Whether it is restarted. */
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
     * @param stops whether a unit that fails it is stopped, and then restarted according to its policy
     */
    public record Check(
            Question question,
            boolean stops,
            Duration interval,
            Duration timeout,
            Duration grace,
            int successes,
            int failures) {}

    /** What a check tests. */
    public sealed interface Question {
        /** A command; exit code 0 passes. */
        record Exec(List<String> argv) implements Question {}

        /** A TCP connection. */
        record Tcp(int port) implements Question {}

        /** An HTTP request, sent as it is; status 2xx passes. */
        record Http(int port, String request) implements Question {}
    }
}
