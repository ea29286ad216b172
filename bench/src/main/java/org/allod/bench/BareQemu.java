package org.allod.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Reader;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.allod.base.FailedException;
import org.allod.base.Poll;
import org.allod.linux.Command;
import org.allod.linux.DetachedProcess;
import org.allod.linux.ProcessIdentity;
import org.allod.linux.Signals;

/**
 * The floor of a microVM: the same QEMU with the same options on copies of the machine's saved memory and disk, or on
 * an empty disk, in the machine's own network while that is free, but without Allod: no user of its own, no limits, no
 * daemon. Its options are read from the machine's own QEMU while that runs.
 */
final class BareQemu implements AutoCloseable {
    /** The files that QEMU receives open: memory to load, then those of {@code -add-fd} and of the kernel. */
    private static final String OPEN = "exec 0<\"$1\" 4<\"$2\" 5<>\"$3\" 6<\"$4\" 7<\"$5\"; shift 5; exec \"$@\"";

    private static final long UP = 20_000_000_000L;
    private static final long LOOK = 1_000_000;

    /** Size of a greeting's payload in bytes. */
    private static final int HELLO = 72;

    private final Path folder;
    private final Path home;
    private final Path tools;
    private final String machine;
    private final List<String> qemu;
    private final Path root;
    private final Path kernel;
    private final Path initramfs;
    private final Path template;
    private final InetSocketAddress server;
    private Optional<ProcessIdentity> running = Optional.empty();

    /**
     * @param folder for the copies and its sockets
     * @param machine a running machine
     * @param address where its server listens
     */
    BareQemu(Path folder, BenchDaemon daemon, String machine, InetSocketAddress address) throws IOException {
        this.folder = folder;
        this.machine = machine;
        this.server = address;
        this.home = daemon.data().resolve("machines").resolve(machine).resolve("microvm");
        this.tools = daemon.toolsFolder();
        Path process = process(machine);
        this.root = only(daemon.data().resolve("images"), "", "root.erofs");
        this.kernel = find(daemon.data().resolve("microvm"), "vmlinux-", "").orElse(tools.resolve("kernel/vmlinuz"));
        this.initramfs = only(daemon.data().resolve("microvm"), "initramfs-", ".img");
        this.template = only(daemon.data().resolve("microvm"), "disk-", ".img");
        this.qemu = line(process);
    }

    private static Path process(String machine) throws IOException {
        try (DirectoryStream<Path> all = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path process : all) {
                List<String> line = words(process);
                if (!line.isEmpty() && line.getFirst().contains("qemu-system") && line.contains("allod-" + machine)) {
                    return process;
                }
            }
        }
        throw new FailedException("no QEMU of machine " + machine + " runs");
    }

    private static List<String> words(Path process) {
        try {
            return List.of(Files.readString(process.resolve("cmdline")).split("\0"));
        } catch (IOException e) {
            return List.of(); // it has ended
        }
    }

    /** The only file with this prefix and suffix below a folder of a daemon that has one image and one kernel. */
    private static Path only(Path below, String start, String end) throws IOException {
        return find(below, start, end)
                .orElseThrow(() -> new FailedException("no " + start + "*" + end + " is below " + below));
    }

    private static Optional<Path> find(Path below, String start, String end) throws IOException {
        try (Stream<Path> files = Files.walk(below)) {
            return files.filter(file -> file.getFileName().toString().startsWith(start)
                            && file.getFileName().toString().endsWith(end))
                    .findFirst();
        }
    }

    /** The machine's own command line, with sockets in this benchmark's folder. */
    private List<String> line(Path process) {
        List<String> own = words(process);
        String sockets = own.get(own.indexOf("-qmp") + 1).replaceAll("^unix:|/qmp\\.sock,.*", "");
        List<String> line = new ArrayList<>();
        own.forEach(word -> line.add(word.replace(sockets, folder.toString())));
        int incoming = line.indexOf("-incoming");
        if (incoming >= 0) {
            line.subList(incoming, incoming + 2).clear();
        }
        return line;
    }

    /** Milliseconds from QEMU's start to the first byte of a suspended machine. */
    double restore() throws IOException {
        for (String file : List.of("saved", "disk.img")) {
            var _ = Command.of("cp", "--sparse=always", home.resolve(file).toString(), folder.toString())
                    .output();
        }
        return timed(qemu(true), began -> {
            go(began);
            return FirstByte.whenUp(server, "bare", began);
        });
    }

    /** Milliseconds from QEMU's start until PID 1 of a stopped machine answers on its port. */
    double boot() throws IOException {
        Files.writeString(folder.resolve("saved"), "");
        var _ = Command.of(
                        "cp",
                        "--sparse=always",
                        template.toString(),
                        folder.resolve("disk.img").toString())
                .output();
        return timed(qemu(false), began -> {
            try (SocketChannel channel = connect(folder.resolve("guest.sock"), began)) {
                channel.write(hello());
                if (channel.read(ByteBuffer.allocate(1)) != 1) {
                    throw new IOException("it has gone");
                }
                return (System.nanoTime() - began) / 1e6;
            }
        });
    }

    /** The greeting of the guest channel, version 1 (docs/guest-channel.md). */
    private static ByteBuffer hello() {
        ByteBuffer frame = ByteBuffer.allocate(8 + HELLO);
        frame.put((byte) 1).put((byte) 1).putShort((short) 0).putInt(HELLO).putLong(0xa1414c4c_4f440d0aL);
        return frame.clear();
    }

    private List<String> qemu(boolean incoming) {
        List<String> line = new ArrayList<>(qemu);
        if (incoming) {
            line.addAll(List.of("-incoming", "fd:0"));
        }
        return line;
    }

    private interface Served {
        double since(long began) throws IOException;
    }

    private double timed(List<String> options, Served served) throws IOException {
        Files.deleteIfExists(folder.resolve("qmp.sock"));
        Files.deleteIfExists(folder.resolve("guest.sock"));
        List<String> line = new ArrayList<>(List.of(tools.resolve("allod-guest").toString(), "tap", "tap0", "3"));
        line.addAll(List.of("sh", "-c", OPEN, "open", folder.resolve("saved").toString(), root.toString()));
        line.add(folder.resolve("disk.img").toString());
        line.add(kernel.toString());
        line.add(initramfs.toString());
        line.addAll(options);
        long began = System.nanoTime();
        DetachedProcess.Started started = DetachedProcess.of(line)
                .namespace("allod-" + machine)
                .output(folder.resolve("qemu.log"))
                .start();
        running = started.process();
        try {
            return served.since(began);
        } catch (IOException | RuntimeException e) {
            throw new FailedException(
                    "bare QEMU did not serve: " + e.getMessage() + ": " + Files.readString(folder.resolve("qemu.log")),
                    e);
        } finally {
            end();
        }
    }

    /** Waits until the memory is loaded, and lets the guest run: QEMU stays paused until then. */
    private void go(long began) throws IOException {
        try (SocketChannel channel = connect(folder.resolve("qmp.sock"), began);
                Reader in = Channels.newReader(channel, StandardCharsets.UTF_8);
                BufferedReader answers = new BufferedReader(in)) {
            say(channel, "qmp_capabilities");
            while (true) {
                say(channel, "query-migrate");
                String status = answers.readLine();
                if (status == null || status.contains("failed")) {
                    throw new IOException("its memory could not be loaded: " + status);
                }
                if (status.contains("\"completed\"")) {
                    break;
                }
                patient(began);
            }
            say(channel, "cont");
            for (String line = answers.readLine(); line != null; line = answers.readLine()) {
                if (line.contains("RESUME")) {
                    return;
                }
            }
            throw new IOException("it has gone");
        }
    }

    /** Connects to QEMU's socket, whose name exists a moment before it accepts connections. */
    private static SocketChannel connect(Path socket, long began) throws IOException {
        while (true) {
            if (Files.exists(socket)) {
                try {
                    return SocketChannel.open(UnixDomainSocketAddress.of(socket));
                } catch (ConnectException e) {
                    // Not yet.
                }
            }
            patient(began);
        }
    }

    private static void say(SocketChannel channel, String command) throws IOException {
        channel.write(ByteBuffer.wrap(("{\"execute\":\"" + command + "\"}\n").getBytes(StandardCharsets.UTF_8)));
    }

    private static void patient(long began) {
        if (System.nanoTime() - began > UP) {
            throw new FailedException("it has not come up within " + UP / 1_000_000_000 + " s");
        }
        LockSupport.parkNanos(LOOK);
    }

    private void end() {
        running.ifPresent(process -> {
            boolean _ = process.signal(Signals.KILL);
            Poll.until(Duration.ofSeconds(10), Duration.ofMillis(2), "the end of bare QEMU", () -> !process.alive());
        });
        running = Optional.empty();
    }

    @Override
    public void close() {
        end();
    }
}
