package org.allod.bench;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.allod.base.Clock;
import org.allod.base.FailedException;

/**
 * Sends requests at planned times, whether or not earlier ones were answered, and measures each from when it
 * <em>should</em> have been sent. A closed loop waits for a slow response before it sends the next request, and so
 * omits exactly the requests that would have been delayed ("coordinated omission"); here they are included.
 */
final class OpenLoop {
    private OpenLoop() {}

    /** Latencies in nanoseconds, sorted. */
    record Latencies(long[] sorted) {
        double millis(double quantile) {
            int index = (int) Math.min(sorted.length - 1L, Math.round(quantile * sorted.length));
            return sorted[index] / 1e6;
        }
    }

    /** The request that is repeated. */
    record Request(String path, String host, String authorization) {
        byte[] bytes() {
            String credential = authorization.isEmpty() ? "" : "Authorization: " + authorization + "\r\n";
            return ("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n" + credential + "\r\n")
                    .getBytes(StandardCharsets.US_ASCII);
        }
    }

    /**
     * Sends {@code perSecond} requests a second for {@code seconds}, over {@code lanes} persistent connections in turn.
     */
    static Latencies run(Clock clock, int port, Request request, int perSecond, double seconds, int lanes) {
        int each = (int) (perSecond * seconds / lanes);
        long[] all = new long[each * lanes];
        long start = clock.monoNanos() + 50_000_000;
        long step = 1_000_000_000L / perSecond;
        List<Thread> threads = new ArrayList<>();
        List<Exception> failures = new ArrayList<>();
        for (int lane = 0; lane < lanes; lane++) {
            int mine = lane;
            threads.add(Thread.ofPlatform().name("lane " + lane).start(() -> {
                try {
                    lane(clock, port, request.bytes(), start + mine * step, step * lanes, each, all, mine * each);
                } catch (IOException e) {
                    synchronized (failures) {
                        failures.add(e);
                    }
                }
            }));
        }
        try {
            for (Thread thread : threads) {
                thread.join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (!failures.isEmpty()) {
            throw new FailedException("the open loop lost a connection to port " + port, failures.getFirst());
        }
        Arrays.sort(all);
        return new Latencies(all);
    }

    private static void lane(
            Clock clock, int port, byte[] request, long first, long step, int count, long[] into, int at)
            throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setTcpNoDelay(true);
            socket.setSoTimeout(5_000);
            InputStream in = new BufferedInputStream(socket.getInputStream(), 1 << 16);
            for (int i = 0; i < count; i++) {
                long due = first + i * step;
                for (long left = due - clock.monoNanos(); left > 0; left = due - clock.monoNanos()) {
                    LockSupport.parkNanos(left);
                }
                socket.getOutputStream().write(request);
                answer(in);
                into[at + i] = clock.monoNanos() - due;
            }
        }
    }

    private static void answer(InputStream in) throws IOException {
        int length = -1;
        StringBuilder line = new StringBuilder();
        while (true) {
            int b = in.read();
            if (b < 0) {
                throw new IOException("closed within an answer");
            }
            if (b != '\n') {
                line.append((char) b);
                continue;
            }
            String text = line.toString().trim();
            line.setLength(0);
            if (text.isEmpty()) {
                in.skipNBytes(length);
                return;
            }
            if (text.regionMatches(true, 0, "content-length:", 0, 15)) {
                length = Integer.parseInt(text.substring(15).trim());
            }
        }
    }
}
