package org.allod.image;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.ProtocolException;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import org.allod.base.Timers;

/**
 * One GET over HTTP/1.1 on a connection of its own, closed afterwards. Everything the server sends before the body is
 * bounded in size and time; the body ends as its framing says, and a connection that ends earlier is an error.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9112">RFC 9112, HTTP/1.1</a>
 */
final class HttpGet {
    private static final int HEAD_BYTES = 64 << 10;
    private static final Duration ANSWER = Duration.ofSeconds(60);
    private static final int SILENCE_MILLIS = 60_000;

    private final PolicedConnector connector;
    private final Timers timers;
    private final SSLSocketFactory tls;

    HttpGet(PolicedConnector connector, Timers timers) {
        this(connector, timers, (SSLSocketFactory) SSLSocketFactory.getDefault());
    }

    HttpGet(PolicedConnector connector, Timers timers, SSLSocketFactory tls) {
        this.connector = connector;
        this.timers = timers;
        this.tls = tls;
    }

    /**
     * The response. Closing the body closes the connection.
     *
     * @param headers by lower-case name; repeated ones are joined, so that contradictory lengths do not parse
     */
    record Answer(int status, Map<String, String> headers, InputStream body) implements AutoCloseable {
        String header(String name) {
            return headers.getOrDefault(name, "");
        }

        @Override
        public void close() throws IOException {
            body.close();
        }
    }

    Answer send(URI uri, Map<String, String> headers) throws IOException {
        boolean secure = uri.getScheme().equals("https");
        int port = uri.getPort() >= 0 ? uri.getPort() : secure ? 443 : 80;
        String host = bare(uri.getHost());
        Socket raw = connector.connect(host, port);
        Timers.Timer late = timers.after(ANSWER, () -> close(raw));
        try {
            raw.setSoTimeout(SILENCE_MILLIS);
            Socket socket = secure ? secured(raw, host, port) : raw;
            socket.getOutputStream().write(request(uri, headers));
            InputStream in = new BufferedInputStream(socket.getInputStream(), 1 << 16);
            Answer answer = answer(in, raw);
            late.cancel();
            return answer;
        } catch (IOException | RuntimeException e) {
            late.cancel();
            close(raw);
            throw e;
        }
    }

    private static String bare(String host) {
        return host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
    }

    private Socket secured(Socket raw, String host, int port) throws IOException {
        SSLSocket socket = (SSLSocket) tls.createSocket(raw, host, port, true);
        SSLParameters parameters = socket.getSSLParameters();
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        socket.setSSLParameters(parameters);
        socket.startHandshake();
        return socket;
    }

    private static byte[] request(URI uri, Map<String, String> headers) {
        String path = uri.getRawPath() == null || uri.getRawPath().isEmpty() ? "/" : uri.getRawPath();
        StringBuilder text = new StringBuilder("GET ").append(path);
        if (uri.getRawQuery() != null) {
            text.append('?').append(uri.getRawQuery());
        }
        text.append(" HTTP/1.1\r\nHost: ").append(uri.getRawAuthority()).append("\r\n");
        headers.forEach(
                (name, value) -> text.append(name).append(": ").append(value).append("\r\n"));
        text.append("User-Agent: allod\r\nAccept-Encoding: identity\r\nConnection: close\r\n\r\n");
        return text.toString().getBytes(StandardCharsets.ISO_8859_1);
    }

    private static Answer answer(InputStream in, Socket raw) throws IOException {
        int[] left = {HEAD_BYTES};
        while (true) {
            String first = line(in, left);
            if (!first.matches("HTTP/1\\.[01] [1-5][0-9]{2}( .*)?")) {
                throw new ProtocolException("it does not speak HTTP/1.1");
            }
            int status = Integer.parseInt(first.substring(9, 12));
            Map<String, String> headers = new TreeMap<>();
            for (String line = line(in, left); !line.isEmpty(); line = line(in, left)) {
                int colon = line.indexOf(':');
                if (colon > 0) {
                    headers.merge(
                            line.substring(0, colon).toLowerCase(Locale.ROOT),
                            line.substring(colon + 1).strip(),
                            (one, more) -> one + ", " + more);
                }
            }
            if (status >= 200) {
                return new Answer(status, headers, new Closing(body(in, status, headers), raw));
            }
        }
    }

    private static InputStream body(InputStream in, int status, Map<String, String> headers) throws IOException {
        if (status == 204 || status == 304) {
            return InputStream.nullInputStream();
        }
        if (headers.getOrDefault("transfer-encoding", "")
                .toLowerCase(Locale.ROOT)
                .equals("chunked")) {
            return new Framed(in, -1);
        }
        String length = headers.getOrDefault("content-length", "");
        if (length.matches("[0-9]{1,18}")) {
            return new Framed(in, Long.parseLong(length));
        }
        if (!length.isEmpty() || headers.containsKey("transfer-encoding")) {
            throw new ProtocolException("its answer has no length that can be read");
        }
        return in;
    }

    private static String line(InputStream in, int[] left) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int c = in.read(); c != '\n'; c = in.read()) {
            if (c < 0) {
                throw new EOFException("it hung up before it answered");
            }
            if (--left[0] < 0) {
                throw new ProtocolException("the head of its answer is longer than " + HEAD_BYTES + " bytes");
            }
            line.append((char) c);
        }
        int end = line.length();
        return end > 0 && line.charAt(end - 1) == '\r' ? line.substring(0, end - 1) : line.toString();
    }

    private static void close(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            // The connection is not used again in either case.
        }
    }

    /** A body of a known length, or of chunks. */
    private static final class Framed extends InputStream {
        private final InputStream in;
        private final boolean chunked;
        private long left;
        private boolean over;

        Framed(InputStream in, long length) {
            this.in = in;
            this.chunked = length < 0;
            this.left = Math.max(0, length);
            this.over = length == 0;
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
            if (chunked && left == 0 && !over) {
                next();
            }
            if (over) {
                return -1;
            }
            int n = in.read(into, offset, (int) Math.min(left, length));
            if (n < 0) {
                throw new EOFException("closed");
            }
            left -= n;
            if (chunked && left == 0) {
                line(in, new int[] {HEAD_BYTES}); // the line that ends the chunk
            }
            over = !chunked && left == 0;
            return n;
        }

        private void next() throws IOException {
            int[] bound = {HEAD_BYTES};
            String size = line(in, bound).split(";", 2)[0].strip();
            if (!size.matches("[0-9a-fA-F]{1,15}")) {
                throw new ProtocolException("its answer has a chunk without a size");
            }
            left = Long.parseLong(size, 16);
            over = left == 0;
        }
    }

    /** Closes the connection together with the body, without reading the rest. */
    private static final class Closing extends FilterInputStream {
        private final Socket socket;

        Closing(InputStream body, Socket socket) {
            super(body);
            this.socket = socket;
        }

        @Override
        public void close() {
            HttpGet.close(socket);
        }
    }
}
