package org.allod.runtime;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.allod.base.FailedException;
import org.allod.base.Poll;
import org.allod.linux.Cgroups;
import org.allod.linux.Command;
import org.allod.linux.DetachedProcess;
import org.allod.linux.Mounts;
import org.allod.linux.NetNs;
import org.allod.linux.ProcessIdentity;

/**
 * The host processes of one gVisor guest: start, find, end. They are found through the machine's control group alone,
 * which no process of a guest can leave, so there is no file that can be stale, and a runsc whose daemon died in the
 * middle of a start is found as well.
 */
final class Sandbox {
    /** runsc's name for the process that is the guest's kernel. */
    private static final String NAME = "runsc-sandbox";

    private static final Duration KILL = Duration.ofSeconds(10);

    private final RuntimeResources resources;
    private final SandboxPaths folders;
    private final RunscConfig runsc;

    Sandbox(RuntimeResources resources, SandboxPaths folders, RunscConfig runsc) {
        this.resources = resources;
        this.folders = folders;
        this.runsc = runsc;
    }

    private String group() {
        return folders.machine().text();
    }

    /** The guest's kernel process, if it runs. */
    Optional<ProcessIdentity> find() {
        for (int pid : resources.cgroups().processes(group())) {
            Optional<ProcessIdentity> process = ProcessIdentity.of(pid);
            if (process.isPresent() && commandLine(pid).startsWith(NAME + "\0")) {
                return process;
            }
        }
        return Optional.empty();
    }

    /** Waits for a runsc that is saving this guest's memory, whoever started it. */
    void awaitCheckpoint(Duration bound) {
        boolean _ = Poll.within(
                bound,
                Duration.ofMillis(5),
                () -> RuntimeResources.names(Path.of("/proc")).stream()
                        .filter(name -> Character.isDigit(name.charAt(0)))
                        .map(name -> commandLine(Integer.parseInt(name)))
                        .noneMatch(line -> line.contains("\0checkpoint\0") && line.contains(group())));
    }

    private static String commandLine(int pid) {
        try {
            return Files.readString(Path.of("/proc/" + pid + "/cmdline"), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return ""; // it has ended
        }
    }

    /** Starts runsc in the machine's control group as a detached process, because the guest must outlive the daemon. */
    DetachedProcess.Started launch(int diskMb, List<String> command) {
        DetachedProcess launch = DetachedProcess.of(runsc.line(folders, shared(), diskMb, command))
                .groups(resources.cgroups().join(group()))
                .capture();
        return (runsc.sharesNetwork() ? launch.namespace(MachineLink.namespace(folders.machine())) : launch).start();
    }

    /**
     * Runs a runsc command on the running guest, outside its limits, and waits for it. It runs in the guest's network
     * namespace if the guest was started there, because runsc's control socket has a name only in that namespace.
     */
    void tell(int diskMb, Duration bound, List<String> command) {
        List<String> line = new ArrayList<>();
        if (runsc.sharesNetwork()) {
            line.addAll(List.of("nsenter", "--net=" + NetNs.path(MachineLink.namespace(folders.machine()))));
        }
        line.addAll(runsc.line(folders, shared(), diskMb, command));
        var _ = Command.of(line).timeout(bound).output();
    }

    private Path shared() {
        return resources.config().run().resolve("shared");
    }

    /** Waits for a started runsc to finish. */
    void finish(DetachedProcess.Started started, Duration bound, String what) {
        try {
            int exit = started.exit().get(bound.toMillis(), TimeUnit.MILLISECONDS);
            if (exit != 0) {
                throw failure(what, "runsc ended with exit code " + exit, started);
            }
        } catch (TimeoutException e) {
            throw failure(what, "runsc did not end within " + bound.toMillis() + " ms", started);
        } catch (ExecutionException e) {
            throw new FailedException("cannot " + what + " the guest of machine " + group() + ": " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FailedException("interrupted while trying to " + what + " the guest of machine " + group(), e);
        }
    }

    /** The error for a failed runsc: the end of its output is the reason. */
    FailedException failure(String what, String how, DetachedProcess.Started started) {
        String said = started.said().get().strip();
        int from = Math.max(0, said.length() - 500);
        return new FailedException("cannot " + what + " the guest of machine " + group() + ": " + how
                + (said.isEmpty() ? "" : ": " + said.substring(from)));
    }

    /** Ends every process of the guest, and deletes runsc's state for it. */
    void kill() {
        resources.cgroups().kill(group(), KILL);
        // A runsc without the shared folder leaves its file servers' empty namespace mounted here.
        Path namespace = folders.state().resolve("null-netns");
        if (Files.exists(namespace)) {
            Mounts.detach(namespace);
        }
        RuntimeResources.delete(folders.state());
        RuntimeResources.delete(folders.channel());
    }

    /** Completes when the guest's kernel process has ended. */
    CompletableFuture<Void> ended(ProcessIdentity process) {
        return resources.watch().exit(process);
    }

    /**
     * Limits while a guest boots. At least two processors: a start is work for two, and runsc reports two or more to
     * every guest. Memory is limited to the guest's own, because runsc reports the limit as its size.
     */
    static Cgroups.Limits atBoot(GuestSpec spec) {
        return new Cgroups.Limits(Math.max(2, spec.cpus()) * 1000L, memory(spec), PROCESSES, weight(spec));
    }

    /** Limits while a guest resumes, whose memory may have been full. */
    static Cgroups.Limits atResume(GuestSpec spec) {
        return new Cgroups.Limits(Math.max(2, spec.cpus()) * 1000L, memory(spec) + OVERHEAD, PROCESSES, weight(spec));
    }

    /** Limits of a running guest: what it was given, and gVisor's own overhead. */
    static Cgroups.Limits running(GuestSpec spec) {
        return new Cgroups.Limits(spec.cpus() * 1000L, memory(spec) + OVERHEAD, PROCESSES, weight(spec));
    }

    private static int weight(GuestSpec spec) {
        return spec.options().cpuWeight();
    }

    private static long memory(GuestSpec spec) {
        return (long) spec.memoryMb() << 20;
    }

    /** The overhead of the guest's kernel and file server in addition to the guest's memory. */
    static final long OVERHEAD = 96L << 20;

    /** A process of the guest is about one process on the host, and a thread about one thread. */
    private static final long PROCESSES = 4096;
}
