package org.allod.bench;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.locks.LockSupport;
import org.allod.base.FailedException;

/** The time to the first byte of an HTTP response. */
final class FirstByte {
    /** Nanoseconds between connection attempts, and the longest that one attempt may take without an answer. */
    private static final long LOOK = 1_000_000;

    private static final int PATIENCE = 20;
    private static final long LONGEST = 30_000_000_000L;
    private static final int ANSWER = 40_000;

    private FirstByte() {}

    /** Milliseconds since {@code began}; the address must accept connections already. */
    static double of(InetSocketAddress address, String host, long began) throws IOException {
        try (Socket socket = new Socket()) {
            socket.connect(address, ANSWER);
            return ask(socket, host, began);
        }
    }

    /** Milliseconds since {@code began}; retries until the address accepts a connection. */
    static double whenUp(InetSocketAddress address, String host, long began) throws IOException {
        while (true) {
            try (Socket socket = new Socket()) {
                socket.connect(address, PATIENCE);
                return ask(socket, host, began);
            } catch (SocketTimeoutException | java.net.ConnectException | java.net.NoRouteToHostException e) {
                if (System.nanoTime() - began > LONGEST) {
                    throw new FailedException("nothing answers at " + address + ": " + e.getMessage(), e);
                }
                LockSupport.parkNanos(LOOK);
            }
        }
    }

    private static double ask(Socket socket, String host, long began) throws IOException {
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(ANSWER);
        socket.getOutputStream()
                .write(("GET / HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n")
                        .getBytes(StandardCharsets.US_ASCII));
        byte[] start = new byte[12];
        int first = socket.getInputStream().read();
        double millis = (System.nanoTime() - began) / 1e6;
        start[0] = (byte) first;
        int read = 1 + socket.getInputStream().readNBytes(start, 1, start.length - 1);
        String status = new String(start, 0, read, StandardCharsets.US_ASCII);
        if (!status.endsWith(" 200")) {
            throw new FailedException("asked " + host + " for /, and got: " + status);
        }
        return millis;
    }
}
