package org.allod.edge;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.allod.base.MachineId;
import org.allod.base.Rng;
import org.allod.base.SystemClock;
import org.allod.base.SystemTimers;

/** An edge on its own port, with machines that the test controls, and a raw client. */
final class Rig implements AutoCloseable {
    static {
        Leaks.watch();
    }

    static final MachineId ONE = MachineId.of(1);
    static final MachineId TWO = MachineId.of(2);
    static final MachineId THREE = MachineId.of(3);

    final SystemTimers timers = new SystemTimers();
    final FakeMachines machines = new FakeMachines();
    final Edge edge;

    Rig() {
        this(config -> config);
    }

    Rig(UnaryOperator<EdgeConfig> change) {
        EdgeConfig config = EdgeConfig.at(loopback(0)).withThreads(2);
        edge = Edge.start(change.apply(config), machines, new SystemClock(), timers, Rng.seeded(7));
    }

    static InetSocketAddress loopback(int port) {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    }

    /** Routes {@code app.localhost} to these. */
    Rig publish(String app, Backend... backends) {
        edge.publish(Catalog.of(List.of(new CatalogApp(app, List.of(backends)))));
        return this;
    }

    static Backend running(MachineId id, int port) {
        return Backend.of(id, loopback(port), Backend.State.RUNNING, Service.plain());
    }

    static Backend stopped(MachineId id, int port) {
        return Backend.of(id, loopback(port), Backend.State.STOPPED, Service.plain());
    }

    RawClient dial() {
        return new RawClient(edge.address());
    }

    /** One request on a connection of its own, which it asks to close. */
    RawClient.Reply get(String host, String path) {
        try (RawClient rawClient = dial()) {
            return rawClient
                    .send("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n")
                    .reply();
        }
    }

    /** A port of loopback where nothing listens. */
    static int closedPort() {
        try (java.net.ServerSocket socket = new java.net.ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static void eventually(java.util.function.BooleanSupplier condition, String what) {
        long until = System.nanoTime() + Duration.ofSeconds(10).toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > until) {
                throw new AssertionError("not within 10 s: " + what);
            }
            try {
                Thread.sleep(5);
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }

    @Override
    public void close() {
        edge.close();
        timers.close();
        Leaks.none();
    }

    /** The seam to the rest of the house: records what it is asked, and does what the test says. */
    static final class FakeMachines implements MachineController {
        final List<MachineId> woken = new CopyOnWriteArrayList<>();
        final List<MachineId> abandoned = new CopyOnWriteArrayList<>();
        final Map<MachineId, Autostop> stopped = new ConcurrentHashMap<>();
        volatile Function<MachineId, CompletionStage<Backend>> onWake =
                id -> CompletableFuture.failedFuture(new IllegalStateException("no wake was expected"));
        volatile Function<MachineId, CompletionStage<Void>> onStop = id -> CompletableFuture.completedFuture(null);

        @Override
        public CompletionStage<Backend> wake(MachineId machine) {
            woken.add(machine);
            return onWake.apply(machine);
        }

        @Override
        public void abandonWake(MachineId machine) {
            abandoned.add(machine);
        }

        @Override
        public CompletionStage<Void> stopIdle(MachineId machine, Autostop how) {
            stopped.put(machine, how);
            return onStop.apply(machine);
        }
    }

    /** A socket to the edge and what comes out of it. */
    static final class RawClient implements AutoCloseable {
        final Socket socket;
        final InputStream in;

        RawClient(InetSocketAddress to) {
            try {
                socket = new Socket(to.getAddress(), to.getPort());
                socket.setSoTimeout(15_000);
                socket.setTcpNoDelay(true);
                in = new java.io.BufferedInputStream(socket.getInputStream());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        RawClient send(String text) {
            return send(text.getBytes(StandardCharsets.ISO_8859_1));
        }

        RawClient send(byte[] bytes) {
            try {
                socket.getOutputStream().write(bytes);
                socket.getOutputStream().flush();
                return this;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        RawClient finishSending() {
            try {
                socket.shutdownOutput();
                return this;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /** Reads one answer as HTTP says: with a length, chunked, or to the end. */
        Reply reply() {
            return reply(false);
        }

        Reply reply(boolean toHead) {
            String head = head();
            Reply bare = new Reply(head, new byte[0], false);
            int status = bare.status();
            if (toHead || status < 200 || status == 204 || status == 304) {
                return bare;
            }
            if ("chunked".equalsIgnoreCase(bare.header("transfer-encoding"))) {
                return chunked(head);
            }
            String length = bare.header("content-length");
            try {
                if (length.isEmpty()) {
                    return new Reply(head, in.readAllBytes(), true);
                }
                int wanted = Integer.parseInt(length);
                byte[] body = in.readNBytes(wanted);
                return new Reply(head, body, body.length == wanted);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        String head() {
            StringBuilder head = new StringBuilder();
            while (!head.toString().endsWith("\r\n\r\n")) {
                int b = read();
                if (b < 0) {
                    throw new UncheckedIOException(new java.io.EOFException("closed within the head, after: " + head));
                }
                head.append((char) b);
            }
            return head.toString();
        }

        private Reply chunked(String head) {
            java.io.ByteArrayOutputStream body = new java.io.ByteArrayOutputStream();
            while (true) {
                String line = line();
                if (line == null) {
                    return new Reply(head, body.toByteArray(), false);
                }
                int size = Integer.parseInt(line.split(";")[0], 16);
                try {
                    body.write(in.readNBytes(size));
                } catch (IOException e) {
                    return new Reply(head, body.toByteArray(), false);
                }
                if (size == 0) {
                    while (!"".equals(line())) {
                        // Trailers.
                    }
                    return new Reply(head, body.toByteArray(), true);
                }
                line();
            }
        }

        private String line() {
            StringBuilder line = new StringBuilder();
            while (true) {
                int b = read();
                if (b < 0) {
                    return null;
                }
                if (b == '\n') {
                    return line.toString().trim();
                }
                line.append((char) b);
            }
        }

        int read() {
            try {
                return in.read();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        String read(int count) {
            try {
                return new String(in.readNBytes(count), StandardCharsets.ISO_8859_1);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /** Whether the other side has closed: true for a clean end and for a reset, false where neither came. */
        boolean closed(Duration within) {
            try {
                socket.setSoTimeout((int) within.toMillis());
                while (in.read() >= 0) {
                    // What is left.
                }
                return true;
            } catch (java.net.SocketTimeoutException e) {
                return false;
            } catch (IOException e) {
                return true;
            }
        }

        @Override
        public void close() {
            try {
                socket.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /**
         * An answer.
         *
         * @param whole whether the body came to its proper end
         */
        record Reply(String head, byte[] bytes, boolean whole) {
            int status() {
                return Integer.parseInt(head.substring(9, 12));
            }

            String body() {
                return new String(bytes, StandardCharsets.UTF_8);
            }

            /** The first field of this name, or the empty string. */
            String header(String name) {
                for (String line : head.split("\r\n")) {
                    int colon = line.indexOf(':');
                    if (colon > 0 && line.substring(0, colon).equalsIgnoreCase(name)) {
                        return line.substring(colon + 1).trim();
                    }
                }
                return "";
            }
        }
    }
}
