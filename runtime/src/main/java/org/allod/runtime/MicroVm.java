package org.allod.runtime;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.channels.FileChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.allod.base.FailedException;
import org.allod.base.Poll;
import org.allod.base.SupervisedThread;
import org.allod.linux.Command;
import org.allod.linux.DetachedProcess;
import org.allod.linux.FileCopy;
import org.allod.linux.ProcessIdentity;
import org.allod.linux.Signals;

/** One QEMU process: start, find, save, resume, end. Knows nothing of what runs inside. */
final class MicroVm {
    private static final System.Logger LOG = System.getLogger("allod.runtime");
    private static final Duration SOCKETS = Duration.ofSeconds(10);
    private static final Duration END = Duration.ofSeconds(10);
    /** Size of saved device state in addition to the guest's memory: devices, firmware, the page table. */
    private static final int DEVICES_MB = 64;

    private static final Duration LOAD = Duration.ofMinutes(1);
    private static final Duration LOOK = Duration.ofMillis(2);

    /** Size of the console's ring buffer in QEMU, and how much of it an error shows. */
    private static final int CONSOLE = 65536;

    private static final int SHOWN = 1500;

    /** Maximum size of QEMU's output file: a guest can make QEMU log errors without end. */
    private static final long OUTPUT_MOST = 1 << 20;

    private static final Set<String> UNDER_WAY = Set.of("setup", "active", "device", "pre-switchover", "cancelling");

    private final RuntimeResources resources;
    private final VmPaths folders;

    MicroVm(RuntimeResources resources, VmPaths folders) {
        this.resources = resources;
        this.folders = folders;
    }

    /** The process, if it runs. */
    Optional<ProcessIdentity> find() {
        try {
            return ProcessIdentity.parse(Files.readString(folders.process())).filter(ProcessIdentity::alive);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw new FailedException("cannot read " + folders.process() + ": " + e.getMessage(), e);
        }
    }

    CompletableFuture<Void> ended(ProcessIdentity process) {
        return resources.watch().exit(process);
    }

    /**
     * Starts QEMU and returns once its control socket answers and it can see no host files any more; its guest then
     * waits for {@link #load} or {@link #cont}.
     */
    ProcessIdentity start(QemuCommandLine line, Optional<String> namespace) {
        try {
            clear();
            RuntimeResources.delete(folders.run());
            RuntimeResources.delete(folders.output());
            Files.createDirectories(folders.run().resolveSibling(""));
            RuntimeResources.makePrivate(folders.run());
            Files.createDirectories(folders.run().resolveSibling("dev"));
            DetachedProcess launch = DetachedProcess.of(line.argv())
                    .groups(resources.cgroups().join(folders.machine().text()))
                    .output(folders.output());
            if (namespace.isPresent()) {
                launch = launch.namespace(namespace.get());
            }
            DetachedProcess.Started started = launch.start();
            boolean _ = Poll.within(SOCKETS, LOOK, () -> started.exit().isDone() || answers());
            if (started.exit().isDone()) {
                throw failure("it ended with code " + started.exit().getNow(-1));
            }
            ProcessIdentity process = process().orElseThrow(() -> failure("it does not listen"));
            write(folders.process(), process.text());
            confine(process);
            return process;
        } catch (IOException e) {
            throw new FailedException("cannot start QEMU for machine " + folders.machine() + ": " + e.getMessage(), e);
        }
    }

    /** Whether QEMU accepts connections: the socket's name exists before that. */
    private boolean answers() {
        try (Qmp _ = control()) {
            return true;
        } catch (FailedException e) {
            return false;
        }
    }

    /**
     * Finds QEMU among the processes of the machine's control group, which also holds the process that waits for it.
     */
    private Optional<ProcessIdentity> process() {
        for (int pid : resources.cgroups().processes(folders.machine().text())) {
            Optional<ProcessIdentity> process = ProcessIdentity.of(pid);
            if (process.isPresent() && commandLine(pid).startsWith(QemuCommandLine.PROGRAM + "\0")) {
                return process;
            }
        }
        return Optional.empty();
    }

    private static String commandLine(int pid) {
        try {
            return Files.readString(Path.of("/proc/" + pid + "/cmdline"), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return ""; // it has ended
        }
    }

    /**
     * Hides the host's files from QEMU, which has opened everything it needs by then: an attacker who breaks out of a
     * guest finds an empty, read-only root.
     */
    private void confine(ProcessIdentity process) {
        var _ = Command.of(
                        resources.config().guestBinary().toString(),
                        "confine",
                        Integer.toString(process.pid()),
                        Integer.toString(folders.uid()),
                        folders.run().toString())
                .output();
    }

    /** Confines an adopted QEMU, in case the daemon that started it died before doing so. */
    void confineAgain(ProcessIdentity process) {
        try {
            confine(process);
        } catch (FailedException e) {
            // A QEMU that an older Allod started has no mount namespace of its own.
            LOG.log(Level.WARNING, "QEMU of machine " + folders.machine() + " sees the host's files", e);
        }
    }

    private FailedException failure(String how) {
        String said = "";
        try {
            said = Files.readString(folders.output()).strip();
        } catch (IOException e) {
            // It wrote nothing.
        }
        return new FailedException("cannot start QEMU for machine " + folders.machine() + ": " + how
                + (said.isEmpty() ? "" : ": " + said.substring(0, Math.min(600, said.length()))));
    }

    VmPaths folders() {
        return folders;
    }

    /** Pauses the guest, after all its submitted disk writes are complete. */
    void pause() {
        try (Qmp qmp = control()) {
            var _ = qmp.run("stop");
        }
    }

    /** Continues a guest that {@link #pause} paused; one that is paused for another reason stays paused. */
    void unpause() {
        try (Qmp qmp = control()) {
            if (qmp.run("query-status").path("status").asString("").equals("paused")) {
                var _ = qmp.run("cont");
            }
        }
    }

    /**
     * Truncates QEMU's output file when it has grown large; QEMU appends, so it continues from the start. Between two
     * checks, and while no daemon runs, the machine's memory limit bounds it: the file is in memory and is charged to
     * its writer.
     */
    void boundOutput() {
        try {
            if (Files.exists(folders.output()) && Files.size(folders.output()) > OUTPUT_MOST) {
                try (FileChannel file = FileChannel.open(folders.output(), StandardOpenOption.WRITE)) {
                    file.truncate(0);
                }
            }
        } catch (IOException e) {
            // It has ended, and its folder is being removed; otherwise the next check tries again.
        }
    }

    Qmp control() {
        return Qmp.open(folders.control(), folders.uid(), resources.timers());
    }

    /** The end of the guest kernel's console, or the empty string if QEMU does not answer. */
    String console() {
        try (Qmp qmp = control()) {
            String text = qmp.run("ringbuf-read", Map.of("device", "console", "size", CONSOLE))
                    .asString("");
            String end = text.substring(Math.max(0, text.length() - SHOWN));
            return end.replaceAll("[^\\p{Print}\\n]", "").strip();
        } catch (FailedException e) {
            return "";
        }
    }

    SocketChannel dial(Duration bound) throws IOException {
        return UnixSockets.connect(folders.channel(), folders.uid(), resources.timers(), bound);
    }

    /**
     * Stops the guest and writes its memory to {@link MemoryCheckpoint#saved}, atomically; QEMU is gone afterwards.
     *
     * @param memoryMb the guest's memory
     */
    void save(ProcessIdentity process, int memoryMb) {
        try (Qmp qmp = control()) {
            var _ = qmp.run("stop");
        }
        try {
            saveStopped((memoryMb * 9L / 8 + DEVICES_MB) << 20);
        } catch (FailedException e) {
            // The guest continues as if nothing had happened, so what was written must never be resumed from.
            folders.memory().discard();
            cont();
            throw new FailedException(
                    "cannot save the memory of machine " + folders.machine() + ": " + e.getMessage(), e);
        }
        kill(process);
    }

    /** QEMU may write only to its own sockets, so it sends its memory to a helper, which writes it. */
    private void saveStopped(long most) {
        MemoryCheckpoint memory = folders.memory();
        memory.giveUp();
        FutureTask<String> written = new FutureTask<>(() -> Command.of(
                        resources.config().guestBinary().toString(),
                        "save",
                        folders.control().toString(),
                        Integer.toString(folders.uid()),
                        Long.toString(most),
                        memory.saving().toString())
                .timeout(MemoryCheckpoint.BOUND)
                .output());
        Thread _ = SupervisedThread.start("save-memory", "save-" + folders.machine(), written);
        try {
            boolean _ = Poll.within(SOCKETS, LOOK, () -> memory.hasBegun() || written.isDone());
            if (memory.hasBegun()) {
                try (Qmp qmp = control()) {
                    var _ = qmp.run("migrate-set-parameters", Map.of("max-bandwidth", 1L << 40));
                    var _ = qmp.run("migrate", Map.of("uri", "fd:memory"));
                    awaitMigration(qmp, MemoryCheckpoint.BOUND);
                }
            }
            var _ = written.get(MemoryCheckpoint.BOUND.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new FailedException("its memory could not be written: " + e.getCause(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FailedException("interrupted", e);
        } finally {
            boolean _ = written.cancel(true); // if it still waits for a QEMU that does not begin
        }
        memory.finish();
    }

    /** Loads the saved memory into a guest that was started for it. The guest does not run yet. */
    void load() {
        try (Qmp qmp = control()) {
            var _ = qmp.run("migrate-incoming", Map.of("uri", QemuCommandLine.INCOMING));
            awaitMigration(qmp, LOAD);
        }
    }

    /** Lets the guest run. */
    void cont() {
        try (Qmp qmp = control()) {
            var _ = qmp.run("cont");
        }
    }

    /**
     * Continues an adopted guest that was never started, or was stopped to be saved and was not: the daemon responsible
     * is gone.
     */
    void resumeSaved() {
        try (Qmp qmp = control()) {
            if (qmp.run("query-status").path("running").asBoolean(true)) {
                return;
            }
            var _ = qmp.run("migrate_cancel");
            Poll.until(
                    SOCKETS,
                    LOOK,
                    "the end of an abandoned save",
                    () -> !UNDER_WAY.contains(
                            qmp.run("query-migrate").path("status").asString("none")));
            folders.memory().discard();
            var _ = qmp.run("cont");
        } catch (FailedException e) {
            // Return it all the same, so that it can be ended.
            LOG.log(Level.WARNING, "machine " + folders.machine() + " may stand still", e);
        }
    }

    /** Continues a guest that QEMU paused because a disk write found no space; the write is retried. */
    void goOnAfterFullDisk() {
        try (Qmp qmp = control()) {
            if (qmp.run("query-status").path("status").asString("").equals("io-error")) {
                var _ = qmp.run("cont");
            }
        }
    }

    private static void awaitMigration(Qmp qmp, Duration bound) {
        String[] status = {""};
        Poll.until(bound, LOOK, "moving a guest's memory", () -> {
            status[0] = qmp.run("query-migrate").path("status").asString("none");
            return status[0].equals("completed") || status[0].equals("failed") || status[0].equals("cancelled");
        });
        if (!status[0].equals("completed")) {
            throw new FailedException("moving a guest's memory " + status[0]);
        }
    }

    /**
     * Ends QEMU, in whatever state; returns once all its threads are gone, because the last one holds the network
     * device open while the kernel frees its memory.
     */
    void kill(ProcessIdentity process) {
        CompletableFuture<Void> end = ended(process);
        boolean _ = process.signal(Signals.KILL);
        try {
            var _ = end.get(END.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException | ExecutionException e) {
            throw new FailedException(
                    "QEMU process " + process.pid() + " did not end within " + END.toSeconds() + " s", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FailedException("interrupted while waiting for the end of QEMU process " + process.pid(), e);
        }
    }

    /**
     * Ends every process of this machine, including a QEMU whose daemon died before recording its process id: the
     * control group has it.
     */
    void clear() {
        find().ifPresent(this::kill);
        resources.cgroups().kill(folders.machine().text(), END);
    }

    /** Bytes the writable layer takes on the host. */
    long diskBytes() {
        return Files.exists(folders.disk()) ? FileCopy.allocated(folders.disk()) : -1;
    }

    private static void write(Path file, String text) throws IOException {
        Path half = file.resolveSibling(file.getFileName() + ".new");
        Files.writeString(half, text);
        Files.move(half, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
}
