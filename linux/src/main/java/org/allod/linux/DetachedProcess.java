package org.allod.linux;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.allod.base.FailedException;

/**
 * Starts a process that outlives the daemon: in a session of its own (so that no terminal's hang-up reaches it), with
 * its output in a file, in a pipe or nowhere, and in its control groups and network namespace from the beginning.
 *
 * <p>A small shell script joins the groups and then executes the program, so the pid stays the same. It writes {@code
 * 0} (itself) to the groups' {@code tasks}, because moving oneself needs none of the kernel-wide locks that moving
 * another process does, which cost tens of milliseconds here.
 *
 * @param argv the program and its arguments; no secrets
 * @param environment its whole environment
 * @param groups the files that a process writes {@code 0} to, to join its control groups ({@link Cgroups#join})
 * @param namespace the network namespace that it runs in; empty for that of this process
 * @param folder its working directory
 * @param output where its standard output and error go
 */
public record DetachedProcess(
        List<String> argv,
        Map<String, String> environment,
        List<Path> groups,
        Optional<String> namespace,
        Path folder,
        Output output) {
    private static final String SCRIPT = """
            n=$1; shift
            while [ "$n" -gt 0 ]; do echo 0 > "$1" || exit 125; shift; n=$((n - 1)); done
            exec "$@"
            """;

    /** How many bytes of a captured output are kept: its end. */
    private static final int KEPT = 8192;

    /** Where a detached process's output goes. */
    public sealed interface Output {
        /** Nowhere. */
        record Nowhere() implements Output {}

        /** Appended to a file without a bound; only for programs that write little. */
        record ToFile(Path file) implements Output {}

        /** Into a pipe to this process, which keeps the end of it. Once this process is gone, writes to it fail. */
        record Heard() implements Output {}
    }

    public DetachedProcess {
        argv = List.copyOf(argv);
        environment = Map.copyOf(environment);
        groups = List.copyOf(groups);
    }

    public static DetachedProcess of(List<String> argv) {
        return new DetachedProcess(
                argv,
                Map.of("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL", "C"),
                List.of(),
                Optional.empty(),
                Path.of("/"),
                new Output.Nowhere());
    }

    public DetachedProcess groups(List<Path> join) {
        return new DetachedProcess(argv, environment, join, namespace, folder, output);
    }

    public DetachedProcess namespace(String name) {
        return new DetachedProcess(argv, environment, groups, Optional.of(name), folder, output);
    }

    public DetachedProcess folder(Path path) {
        return new DetachedProcess(argv, environment, groups, namespace, path, output);
    }

    public DetachedProcess output(Path file) {
        return new DetachedProcess(argv, environment, groups, namespace, folder, new Output.ToFile(file));
    }

    public DetachedProcess capture() {
        return new DetachedProcess(argv, environment, groups, namespace, folder, new Output.Heard());
    }

    /**
     * A started process.
     *
     * @param process its identity; empty if it ended before it could be determined
     * @param exit completes with its exit code; 125 if it could not join its control groups
     * @param said returns the end of its output so far, if that is captured
     */
    public record Started(Optional<ProcessIdentity> process, CompletableFuture<Integer> exit, Supplier<String> said) {}

    /** Starts it. If the program itself cannot be executed, that shows as an exit. */
    public Started start() {
        List<String> line = new ArrayList<>(List.of("/bin/sh", "-c", SCRIPT, "allod", "" + groups.size()));
        groups.forEach(file -> line.add(file.toString()));
        line.add("setsid");
        namespace.ifPresent(name -> line.addAll(List.of("nsenter", "--net=" + NetNs.path(name))));
        line.addAll(argv);
        ProcessBuilder builder = new ProcessBuilder(line).directory(folder.toFile());
        builder.environment().clear();
        builder.environment().putAll(environment);
        builder.redirectInput(Path.of("/dev/null").toFile()).redirectErrorStream(true);
        return switch (output) {
            case Output.Nowhere _ -> start(builder.redirectOutput(ProcessBuilder.Redirect.DISCARD), () -> "");
            case Output.ToFile to ->
                start(
                        builder.redirectOutput(
                                ProcessBuilder.Redirect.appendTo(to.file().toFile())),
                        () -> "");
            case Output.Heard _ -> {
                PipeCapture capture = PipeCapture.last(KEPT);
                try {
                    yield start(builder.redirectOutput(capture.output()), capture::text);
                } finally {
                    capture.onProcessStarted();
                }
            }
        };
    }

    private Started start(ProcessBuilder builder, Supplier<String> said) {
        try {
            Process process = builder.start();
            Optional<ProcessIdentity> id = ProcessIdentity.of((int) process.pid());
            return new Started(id, process.onExit().thenApply(Process::exitValue), said);
        } catch (IOException e) {
            throw new FailedException("cannot start `" + argv.getFirst() + "`: " + e.getMessage(), e);
        }
    }
}
