package org.allod.runtime;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.FileChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
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
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.allod.base.Failed;
import org.allod.base.Poll;
import org.allod.base.SupervisedThread;
import org.allod.linux.FileCopy;
import org.allod.linux.Launch;
import org.allod.linux.ProcessId;
import org.allod.linux.Signals;

/** One QEMU process: started, found again, told to save or go on, ended. Knows nothing of what runs inside. */
final class MicroVm {
    private static final Duration SOCKETS = Duration.ofSeconds(10);
    private static final Duration END = Duration.ofSeconds(10);
    /** Memory is written to disk: bounded by the slowest disk and the biggest guest we mean to suspend. */
    private static final Duration SAVE = Duration.ofMinutes(2);

    private static final Duration LOAD = Duration.ofMinutes(1);
    private static final Duration LOOK = Duration.ofMillis(2);

    /** The console's ring in QEMU, and how much of it an error shows. */
    private static final int CONSOLE = 65536;

    private static final int SHOWN = 1500;

    /** A guest can make QEMU complain, and complain again. */
    private static final long OUTPUT_MOST = 1 << 20;

    private static final Set<String> UNDER_WAY = Set.of("setup", "active", "device", "pre-switchover", "cancelling");

    private final Premises premises;
    private final VmFolders folders;

    MicroVm(Premises premises, VmFolders folders) {
        this.premises = premises;
        this.folders = folders;
    }

    /** The process, if it runs. */
    Optional<ProcessId> find() {
        try {
            return ProcessId.parse(Files.readString(folders.process())).filter(ProcessId::alive);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw new Failed("cannot read " + folders.process() + ": " + e.getMessage(), e);
        }
    }

    CompletableFuture<Void> ended(ProcessId process) {
        return premises.watch().exit(process);
    }

    /** Starts QEMU and returns once it can be spoken to; its guest then runs, or waits for its memory. */
    ProcessId start(QemuLine line, Optional<String> namespace) {
        try {
            clear();
            Premises.delete(folders.run());
            Premises.delete(folders.output());
            Files.createDirectories(folders.run());
            Files.createDirectories(folders.run().resolveSibling("dev"));
            Files.setAttribute(folders.run(), "unix:uid", folders.uid());
            Files.setAttribute(folders.run(), "unix:gid", folders.uid());
            Launch launch = Launch.of(line.argv())
                    .groups(premises.cgroups().join(folders.machine().text()))
                    .output(folders.output());
            if (namespace.isPresent()) {
                launch = launch.namespace(namespace.get());
            }
            Launch.Started started = launch.start();
            ProcessId process = started.process().orElseThrow(() -> failure("it ended at once"));
            write(folders.process(), process.text());
            Poll.within(
                    SOCKETS,
                    LOOK,
                    () -> started.exit().isDone()
                            || (Files.exists(folders.control()) && Files.exists(folders.channel())));
            if (started.exit().isDone() || !Files.exists(folders.control())) {
                throw failure("it ended with code " + started.exit().getNow(-1));
            }
            return process;
        } catch (IOException e) {
            throw new Failed("cannot start QEMU for machine " + folders.machine() + ": " + e.getMessage(), e);
        }
    }

    private Failed failure(String how) {
        String said = "";
        try {
            said = Files.readString(folders.output()).strip();
        } catch (IOException e) {
            // It said nothing.
        }
        return new Failed("cannot start QEMU for machine " + folders.machine() + ": " + how
                + (said.isEmpty() ? "" : ": " + said.substring(0, Math.min(600, said.length()))));
    }

    VmFolders folders() {
        return folders;
    }

    /** Holds up the guest, with all that it has asked its disks to write written. */
    void pause() {
        try (Qmp qmp = control()) {
            var _ = qmp.run("stop");
        }
    }

    /** Lets a guest that {@link #pause} held up go on; one that waits for something else waits on. */
    void unpause() {
        try (Qmp qmp = control()) {
            if (qmp.run("query-status").path("status").asString("").equals("paused")) {
                var _ = qmp.run("cont");
            }
        }
    }

    /**
     * Forgets what QEMU has said where it has become much. It appends, so it goes on from the front. Between two looks,
     * and while no daemon is there, the machine's own bound on memory holds it: the file is memory of the host's that
     * counts as its writer's.
     */
    void boundOutput() {
        try {
            if (Files.exists(folders.output()) && Files.size(folders.output()) > OUTPUT_MOST) {
                try (FileChannel file = FileChannel.open(folders.output(), StandardOpenOption.WRITE)) {
                    file.truncate(0);
                }
            }
        } catch (IOException e) {
            // It has ended, and its folder goes; or else it is looked at again in a moment.
        }
    }

    Qmp control() {
        return Qmp.open(folders.control(), premises.timers());
    }

    /** The end of what the guest's kernel has said, or nothing where QEMU does not answer. */
    String console() {
        try (Qmp qmp = control()) {
            String text = qmp.run("ringbuf-read", Map.of("device", "console", "size", CONSOLE))
                    .asString("");
            String end = text.substring(Math.max(0, text.length() - SHOWN));
            return end.replaceAll("[^\\p{Print}\\n]", "").strip();
        } catch (Failed e) {
            return "";
        }
    }

    SocketChannel dial(Duration bound) throws IOException {
        return Sockets.connect(folders.channel(), premises.timers(), bound);
    }

    /** Stops the guest and writes its memory to {@link VmFolders#saved}, whole or not at all; then QEMU is gone. */
    void save(ProcessId process) {
        try (Qmp qmp = control()) {
            var _ = qmp.run("stop");
            try {
                saveStopped(qmp);
            } catch (Failed | IOException e) {
                Files.deleteIfExists(folders.saving());
                var _ = qmp.run("cont"); // The guest goes on as if nothing had been asked of it.
                throw new Failed("cannot save the memory of machine " + folders.machine() + ": " + e.getMessage(), e);
            }
        } catch (IOException e) {
            throw new Failed("cannot clean up after saving machine " + folders.machine() + ": " + e.getMessage(), e);
        }
        kill(process);
    }

    /** QEMU may write to nothing but sockets of its own, so it hands its memory over and we write it. */
    private void saveStopped(Qmp qmp) throws IOException {
        Files.deleteIfExists(folders.migration());
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(folders.migration()));
            Files.setAttribute(folders.migration(), "unix:uid", folders.uid());
            CompletableFuture<Void> written = new CompletableFuture<>();
            Thread _ = SupervisedThread.start("save-memory", "save-" + folders.machine(), () -> {
                try {
                    receive(server);
                    written.complete(null);
                } catch (IOException e) {
                    written.completeExceptionally(e);
                }
            });
            var _ = qmp.run("migrate-set-parameters", Map.of("max-bandwidth", 1L << 40));
            var _ = qmp.run("migrate", Map.of("uri", "unix:" + folders.migration()));
            awaitMigration(qmp, SAVE);
            written.get(SAVE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new Failed("its memory could not be written: " + e, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Failed("interrupted", e);
        } finally {
            Files.deleteIfExists(folders.migration());
        }
        Files.move(folders.saving(), folders.saved(), StandardCopyOption.ATOMIC_MOVE);
    }

    private void receive(ServerSocketChannel server) throws IOException {
        try (SocketChannel from = server.accept();
                FileChannel to = FileChannel.open(
                        folders.saving(),
                        StandardOpenOption.CREATE,
                        StandardOpenOption.WRITE,
                        StandardOpenOption.TRUNCATE_EXISTING)) {
            var buffer = java.nio.ByteBuffer.allocateDirect(1 << 20);
            while (from.read(buffer) >= 0) {
                buffer.flip();
                while (buffer.hasRemaining()) {
                    to.write(buffer);
                }
                buffer.clear();
            }
            // A memory image that a power loss empties would be worse than none.
            to.force(true);
        }
    }

    /** Waits for a guest that was started from saved memory, and lets it run. */
    void go() {
        try (Qmp qmp = control()) {
            awaitMigration(qmp, LOAD);
            var _ = qmp.run("cont");
        }
    }

    /** Lets a guest run that was stopped to be saved, and was not: whoever asked for that is gone. */
    void goOn() {
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
            var _ = qmp.run("cont");
            Files.deleteIfExists(folders.saving());
        } catch (Failed | IOException e) {
            // It is found all the same, so that it can be ended.
            System.getLogger(MicroVm.class.getName())
                    .log(System.Logger.Level.WARNING, "machine " + folders.machine() + " may stand still", e);
        }
    }

    /** Lets a guest run that QEMU has stopped because a write to its disk found no room; that write is done again. */
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
            throw new Failed("moving a guest's memory " + status[0]);
        }
    }

    /** Ends QEMU, whatever it does; returns once it is gone. */
    void kill(ProcessId process) {
        boolean _ = process.signal(Signals.KILL);
        Poll.until(END, LOOK, "the end of QEMU process " + process.pid(), () -> !process.alive());
    }

    /**
     * Ends whatever there is of this machine, also a QEMU that was started by a daemon which died before it could write
     * down its number: its control group has it.
     */
    void clear() {
        find().ifPresent(this::kill);
        premises.cgroups().kill(folders.machine().text(), END);
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
