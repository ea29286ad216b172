package org.allod.cli;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.allod.base.FailedException;
import org.allod.base.SystemTimers;
import org.jspecify.annotations.Nullable;

/**
 * One HTTP/1.1 exchange on one channel, limited to what the daemon's API needs: {@code java.net.http} would triple the
 * command's start-up time. After an upgrade the channel carries frames in both directions, one thread for each.
 *
 * <p>Limits: a head of 64 KiB. A deadline closes the channel, which ends any blocked operation.
 */
final class HttpConnection implements Closeable {
    private static final int MAX_HEAD = 64 * 1024;

    /** Status and headers (names in lower case) of a response. */
    record Head(int status, Map<String, String> headers) {}

    private final DaemonAddress address;
    private final SocketChannel channel;
    private final ByteBuffer in = ByteBuffer.allocate(32 * 1024).flip();
    private final SystemTimers timers = new SystemTimers();
    private volatile boolean late;

    HttpConnection(DaemonAddress address) {
        this.address = address;
        this.channel = address.connect();
    }

    /** Sends a request and reads the head of its response. {@code limit} counts from now to the end of the body. */
    Head exchange(String method, String target, Map<String, String> headers, byte[] body, Optional<Duration> limit)
            throws IOException {
        limit.ifPresent(after -> timers.after(after, this::expire));
        StringBuilder head = new StringBuilder(256);
        head.append(method)
                .append(' ')
                .append(target)
                .append(" HTTP/1.1\r\nHost: ")
                .append(headers.getOrDefault("Host", address.host()));
        head.append("\r\nUser-Agent: allod\r\nAccept: application/json\r\nContent-Length: ")
                .append(body.length);
        if (body.length > 0) {
            head.append("\r\nContent-Type: application/json");
        }
        if (!headers.containsKey("Connection")) {
            head.append("\r\nConnection: close");
        }
        address.token()
                .ifPresent(token -> head.append("\r\nAuthorization: Bearer ").append(token));
        headers.forEach((name, value) -> {
            if (!name.equals("Host")) {
                head.append("\r\n").append(name).append(": ").append(value);
            }
        });
        head.append("\r\n\r\n");
        try {
            send(head.toString().getBytes(StandardCharsets.UTF_8));
            send(body);
        } catch (AsynchronousCloseException e) {
            throw expired(e);
        } catch (IOException e) {
            // The daemon may have answered (413, 401) before it read the whole body; that response explains more than
            // this exception.
            if (late) {
                throw expired(e);
            }
        }
        return readHead(method + " " + target);
    }

    private Head readHead(String request) throws IOException {
        String line = line();
        if (line == null) {
            throw new FailedException("the daemon closed the connection without answering " + request);
        }
        String[] words = line.split(" ", 3);
        if (words.length < 2 || !words[0].startsWith("HTTP/1.") || !words[1].matches("\\d{3}")) {
            throw new FailedException("the program at the daemon's address does not speak HTTP");
        }
        Map<String, String> headers = new HashMap<>();
        int size = 0;
        for (line = line(); line != null && !line.isEmpty(); line = line()) {
            size += line.length();
            if (size > MAX_HEAD) {
                throw new FailedException("the daemon's answer has a head of more than 64 KiB");
            }
            int colon = line.indexOf(':');
            if (colon > 0) {
                headers.put(
                        line.substring(0, colon).toLowerCase(Locale.ROOT),
                        line.substring(colon + 1).strip());
            }
        }
        return new Head(Integer.parseInt(words[1]), headers);
    }

    /** The decoded body that follows this head. */
    InputStream body(Head head) {
        if (head.status() == 204 || head.status() == 304) {
            return InputStream.nullInputStream();
        }
        if (head.headers().getOrDefault("transfer-encoding", "").equalsIgnoreCase("chunked")) {
            return new Body(true, 0);
        }
        String length = head.headers().get("content-length");
        try {
            return new Body(false, length == null ? Long.MAX_VALUE : Long.parseLong(length));
        } catch (NumberFormatException e) {
            throw new FailedException("the daemon's answer has a Content-Length of " + length, e);
        }
    }

    /** Writes all of {@code bytes}: a request, or a frame after an upgrade. */
    void send(byte[] bytes) throws IOException {
        ByteBuffer out = ByteBuffer.wrap(bytes);
        while (out.hasRemaining()) {
            channel.write(out);
        }
    }

    /** Reads one byte; -1 at the end. */
    int read() throws IOException {
        return fill() ? in.get() & 0xff : -1;
    }

    /** Fills {@code into}, or throws at an early end. */
    void readFully(byte[] into) throws IOException {
        for (int at = 0; at < into.length; ) {
            if (!fill()) {
                throw new EOFException("the daemon closed the connection in the middle of an answer");
            }
            int n = Math.min(in.remaining(), into.length - at);
            in.get(into, at, n);
            at += n;
        }
    }

    private boolean fill() throws IOException {
        if (in.hasRemaining()) {
            return true;
        }
        in.clear();
        try {
            int n = channel.read(in);
            in.flip();
            return n > 0;
        } catch (IOException e) {
            in.flip();
            if (late) {
                throw expired(e);
            }
            throw e;
        }
    }

    private @Nullable String line() throws IOException {
        StringBuilder line = new StringBuilder(80);
        for (int c = read(); c >= 0; c = read()) {
            if (c == '\n') {
                int end = line.length();
                return end > 0 && line.charAt(end - 1) == '\r' ? line.substring(0, end - 1) : line.toString();
            }
            if (line.length() >= MAX_HEAD) {
                throw new FailedException("the daemon's answer has a line of more than 64 KiB");
            }
            line.append((char) c);
        }
        return null;
    }

    private void expire() {
        late = true;
        close();
    }

    private static FailedException expired(IOException cause) {
        return new FailedException("the daemon did not answer in time", cause);
    }

    @Override
    public void close() {
        timers.close();
        try {
            channel.close();
        } catch (IOException e) {
            // Nothing is lost: everything has been sent.
        }
    }

    /** The bytes of one body: by its length, or by its chunks. */
    private final class Body extends InputStream {
        private final boolean chunked;
        private long left;
        private boolean ended;

        Body(boolean chunked, long left) {
            this.chunked = chunked;
            this.left = left;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] into, int offset, int length) throws IOException {
            if (length == 0) {
                return 0;
            }
            if (chunked && left == 0 && !ended) {
                nextChunk();
            }
            if (ended || left == 0) {
                return -1;
            }
            if (!fill()) {
                if (chunked || left != Long.MAX_VALUE) {
                    throw new EOFException("the daemon closed the connection in the middle of an answer");
                }
                return -1;
            }
            int n = (int) Math.min(Math.min(in.remaining(), length), left);
            in.get(into, offset, n);
            left = left == Long.MAX_VALUE ? left : left - n;
            if (chunked && left == 0) {
                line();
            }
            return n;
        }

        private void nextChunk() throws IOException {
            String size = line();
            try {
                left = size == null ? 0 : Long.parseLong(size.split(";", 2)[0].strip(), 16);
            } catch (NumberFormatException e) {
                throw new FailedException("the daemon sent a chunk of size '" + size + "'", e);
            }
            if (size == null) {
                throw new EOFException("the daemon closed the connection in the middle of an answer");
            }
            ended = left <= 0;
        }
    }
}
