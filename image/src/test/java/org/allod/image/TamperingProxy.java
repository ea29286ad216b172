package org.allod.image;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;

/** Stands between a client and a registry: writes down what is asked, and cuts or corrupts answers when told to. */
final class TamperingProxy implements AutoCloseable {
    private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"));
    private final int target;

    /** First lines of requests, with the Range where there was one. */
    final List<String> requests = new CopyOnWriteArrayList<>();

    /** Bytes of answers that were let through. */
    final AtomicLong delivered = new AtomicLong();

    /** After how many bytes the next answers to requests for {@link #cut} are cut, one after another. */
    final Queue<Long> plan = new ConcurrentLinkedQueue<>();

    /** The same, once the plan is used up. */
    volatile long lastly = Long.MAX_VALUE;

    /** A part of the request line. */
    volatile String cut = "/blobs/";

    /** A byte of a blob's answer to turn around; less than 0 for none. */
    volatile long corruptAt = -1;

    TamperingProxy(int target) throws IOException {
        this.target = target;
        Thread.ofVirtual().start(() -> {
            while (!server.isClosed()) {
                try {
                    Socket client = server.accept();
                    Thread.ofVirtual().start(() -> serve(client));
                } catch (IOException e) {
                    return;
                }
            }
        });
    }

    String host() {
        return "127.0.0.1:" + server.getLocalPort();
    }

    long count(String part) {
        return requests.stream().filter(line -> line.contains(part)).count();
    }

    /** One request, one connection: Connection: close keeps this simple. */
    private void serve(Socket client) {
        try (client;
                Socket registry = new Socket("127.0.0.1", target)) {
            String head = head(client.getInputStream());
            if (head.isEmpty()) {
                return;
            }
            String first = head.substring(0, head.indexOf('\r'));
            String range = head.lines()
                    .filter(line -> line.toLowerCase().startsWith("range:"))
                    .findFirst()
                    .orElse("");
            requests.add(first + " " + range);
            boolean blob = first.contains("/blobs/");
            String sent = head.replaceFirst("(?i)\r\nConnection: [^\r]*", "")
                    .replaceFirst("\r\n", "\r\nConnection: close\r\n");
            registry.getOutputStream().write(sent.getBytes(ISO_8859_1));
            long allowed = first.contains(cut) ? Objects.requireNonNullElse(plan.poll(), lastly) : Long.MAX_VALUE;
            answer(registry.getInputStream(), client.getOutputStream(), allowed, blob ? corruptAt : -1);
        } catch (IOException e) {
            // Either side hung up: that is what this is for.
        }
    }

    private void answer(InputStream from, OutputStream to, long allowed, long corrupt) throws IOException {
        to.write(head(from).getBytes(ISO_8859_1));
        byte[] buffer = new byte[16 << 10];
        long at = 0;
        for (int n = from.read(buffer); n >= 0 && at < allowed; n = from.read(buffer)) {
            int part = (int) Math.min(n, allowed - at);
            if (corrupt >= at && corrupt < at + part) {
                buffer[(int) (corrupt - at)] ^= 1;
            }
            to.write(buffer, 0, part);
            at += part;
            delivered.addAndGet(part);
        }
        to.flush();
    }

    private static String head(InputStream in) throws IOException {
        StringBuilder head = new StringBuilder();
        while (head.length() < 32 << 10) {
            int c = in.read();
            if (c < 0) {
                return "";
            }
            head.append((char) c);
            if (head.length() >= 4 && head.substring(head.length() - 4).equals("\r\n\r\n")) {
                break;
            }
        }
        return head.toString();
    }

    @Override
    public void close() throws IOException {
        server.close();
    }
}
