package org.allod.host;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * A second tenant whose normal operation is monitored: it calls its app through the edge twenty times a second, and
 * changes its machine's metadata over the Unix socket five times a second. Records each request's time and each
 * acknowledged change.
 */
final class VictimWatch implements AutoCloseable {
    private final DaemonProcess daemon;
    private final String machine;
    private final List<Long> nanos = new ArrayList<>();
    private final List<String> failed = Collections.synchronizedList(new ArrayList<>());
    private final List<String> acknowledged = Collections.synchronizedList(new ArrayList<>());
    private final List<Thread> threads;
    private volatile boolean over;

    VictimWatch(DaemonProcess daemon, String machine) {
        this.daemon = daemon;
        this.machine = machine;
        this.threads = List.of(
                Thread.ofPlatform().daemon().name("victim-requests").start(this::requests),
                Thread.ofPlatform().daemon().name("victim-notes").start(this::notes));
    }

    private void requests() {
        while (!over) {
            long begin = System.nanoTime();
            try {
                HttpResponse<String> answer = daemon.through("bank", "/");
                if (answer.statusCode() != 200) {
                    failed.add("edge: " + answer.statusCode() + " " + answer.body());
                }
            } catch (Exception e) {
                failed.add("edge: " + e);
            }
            synchronized (nanos) {
                nanos.add(System.nanoTime() - begin);
            }
            LockSupport.parkNanos(50_000_000);
        }
    }

    private void notes() {
        for (int n = 0; !over; n++) {
            String body = "{\"value\":\"" + n + "\"}";
            String key = "note-" + (n % 50);
            try {
                String status = overUnix("POST", "/v1/apps/bank/machines/" + machine + "/metadata/" + key, body);
                if (status.matches("HTTP/1.1 2\\d\\d.*")) {
                    acknowledged.add(key + "=" + n);
                } else {
                    failed.add("socket: " + status);
                }
            } catch (IOException e) {
                failed.add("socket: " + e);
            }
            LockSupport.parkNanos(200_000_000);
        }
    }

    /** One request over the daemon's Unix socket, on a connection of its own; the status line. */
    private String overUnix(String method, String path, String body) throws IOException {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(daemon.data.resolve("allod.sock")));
            String request = method + " " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: "
                    + body.length() + "\r\n\r\n" + body;
            channel.write(ByteBuffer.wrap(request.getBytes(StandardCharsets.UTF_8)));
            ByteBuffer answer = ByteBuffer.allocate(65_536);
            while (answer.hasRemaining() && channel.read(answer) >= 0) {
                // until its end
            }
            return new String(answer.array(), 0, answer.position(), StandardCharsets.UTF_8)
                    .lines()
                    .findFirst()
                    .orElse("nothing");
        }
    }

    List<String> failed() {
        return List.copyOf(failed);
    }

    /** The last acknowledged value of each key, as {@code key=value}. */
    List<String> acknowledged() {
        return List.copyOf(acknowledged);
    }

    /** Milliseconds that this share of the requests so far took at most; then begins anew. */
    double quantileMillis(double share) {
        synchronized (nanos) {
            List<Long> sorted = nanos.stream().sorted().toList();
            return sorted.get((int) Math.min(sorted.size() - 1L, Math.round(share * sorted.size()))) / 1e6;
        }
    }

    void forgetTimes() {
        synchronized (nanos) {
            nanos.clear();
        }
    }

    int asked() {
        synchronized (nanos) {
            return nanos.size();
        }
    }

    @Override
    public void close() throws InterruptedException {
        over = true;
        for (Thread thread : threads) {
            thread.join();
        }
    }
}
