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
 * Starts a process that outlives us: a session of its own (so no terminal's hang-up reaches it), standard streams on
 * files or nothing, born inside its control groups and its network namespace.
 *
 * <p>A small shell script joins the groups and then becomes the program, so the number of the process stays the same
 * all along. It writes {@code 0} (itself) to the groups' {@code tasks}: moving oneself needs none of the kernel-wide
 * locks that moving another process does, which cost tens of milliseconds here.
 *
 * @param argv the program and its arguments; no secrets
 * @param environment its whole environment
 * @param groups the files that a process writes {@code 0} to, to join its control groups ({@link Cgroups#join})
 * @param namespace the network namespace it runs in; empty for ours
 * @param folder its working folder
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

    /** Of what a process says, where it is heard; bytes. */
    private static final int KEPT = 8192;

    /** Where a detached process's output goes. */
    public sealed interface Output {
        /** Nowhere. */
        record Nowhere() implements Output {}

        /** To the end of a file, which nobody bounds: only for programs that say little. */
        record ToFile(Path file) implements Output {}

        /** To us, who keep the end of it, for as long as we live; after us, writing it is an error to the writer. */
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
     * A process on its way.
     *
     * @param process who it is; empty where it ended before it could be looked at
     * @param exit its exit code, while we live to see it; 125 where it could not join its control groups
     * @param said the end of what it has said so far, where it is heard
     */
    public record Started(Optional<ProcessIdentity> process, CompletableFuture<Integer> exit, Supplier<String> said) {}

    /** Starts it. The program itself may still fail to start: that shows as an exit. */
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
