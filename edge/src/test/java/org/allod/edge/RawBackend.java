package org.allod.edge;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** A real server on loopback that handles each connection exactly as a test says. */
final class RawBackend implements AutoCloseable {
    /** What it does with one connection; the socket is closed after. */
    interface Script {
        void play(Conn conn) throws Exception;
    }

    final List<String> heads = new CopyOnWriteArrayList<>();
    final AtomicInteger connections = new AtomicInteger();
    final AtomicInteger open = new AtomicInteger();
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private final ServerSocket server;

    RawBackend(Script script) {
        this(0, script);
    }

    RawBackend(int port, Script script) {
        try {
            server = new ServerSocket();
            server.setReuseAddress(true);
            server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 256);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Thread.ofVirtual().start(() -> accept(script));
    }

    /** Answers every request with 200 and its own head as the body, keeping the connection open. */
    static RawBackend echo() {
        return new RawBackend(conn -> {
            for (String head = conn.head(); head != null; head = conn.head()) {
                byte[] body = conn.body(head);
                conn.write("HTTP/1.1 200 OK\r\nContent-Length: " + (head.length() + body.length) + "\r\n\r\n" + head);
                conn.write(body);
            }
        });
    }

    /** Answers every request with this text. */
    static RawBackend saying(String text) {
        return saying(0, text);
    }

    static RawBackend saying(int port, String text) {
        return new RawBackend(port, conn -> {
            for (String head = conn.head(); head != null; head = conn.head()) {
                conn.body(head);
                conn.write("HTTP/1.1 200 OK\r\nContent-Length: " + text.length() + "\r\n\r\n" + text);
            }
        });
    }

    int port() {
        return server.getLocalPort();
    }

    private void accept(Script script) {
        while (true) {
            Socket socket;
            try {
                socket = server.accept();
            } catch (IOException closed) {
                return;
            }
            connections.incrementAndGet();
            open.incrementAndGet();
            sockets.add(socket);
            Thread.ofVirtual().start(() -> {
                try (socket) {
                    socket.setTcpNoDelay(true);
                    script.play(new Conn(socket, heads));
                } catch (Exception gone) {
                    // The edge went away, which some scripts wait for.
                } finally {
                    open.decrementAndGet();
                    sockets.remove(socket);
                }
            });
        }
    }

    @Override
    public void close() {
        try {
            server.close();
            for (Socket socket : sockets) {
                socket.close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** One connection. */
    static final class Conn {
        final Socket socket;
        final InputStream in;
        final OutputStream out;
        private final List<String> heads;

        Conn(Socket socket, List<String> heads) throws IOException {
            this.socket = socket;
            this.heads = heads;
            in = new BufferedInputStream(socket.getInputStream());
            out = socket.getOutputStream();
        }

        /** The next request's head, or null at the end. */
        String head() throws IOException {
            StringBuilder head = new StringBuilder();
            while (head.length() < 4 || !head.substring(head.length() - 4).equals("\r\n\r\n")) {
                int b = in.read();
                if (b < 0) {
                    return null;
                }
                head.append((char) b);
            }
            heads.add(head.toString());
            return head.toString();
        }

        /** The body that the head announces. */
        byte[] body(String head) throws IOException {
            String lower = head.toLowerCase(java.util.Locale.ROOT);
            int length = lower.indexOf("content-length: ");
            if (length >= 0) {
                int end = lower.indexOf('\r', length);
                return in.readNBytes(Integer.parseInt(lower.substring(length + 16, end)));
            }
            if (!lower.contains("transfer-encoding: chunked")) {
                return new byte[0];
            }
            java.io.ByteArrayOutputStream body = new java.io.ByteArrayOutputStream();
            while (true) {
                int size = Integer.parseInt(line().split(";")[0], 16);
                body.write(in.readNBytes(size));
                if (size == 0) {
                    while (!line().isEmpty()) {
                        // Trailers.
                    }
                    return body.toByteArray();
                }
                line();
            }
        }

        private String line() throws IOException {
            StringBuilder line = new StringBuilder();
            for (int b = in.read(); b != '\n'; b = in.read()) {
                if (b < 0) {
                    throw new IOException("ended within a line");
                }
                line.append((char) b);
            }
            return line.toString().trim();
        }

        void write(String text) throws IOException {
            write(text.getBytes(StandardCharsets.ISO_8859_1));
        }

        void write(byte[] bytes) throws IOException {
            out.write(bytes);
            out.flush();
        }
    }
}
