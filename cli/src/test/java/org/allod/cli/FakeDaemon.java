package org.allod.cli;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Speaks HTTP on a Unix socket and responds as a test says, also incorrectly. Only for the command's own behaviour, and
 * only at endpoints that the real daemon has ({@link PlayedEndpoints}).
 */
final class FakeDaemon implements AutoCloseable {
    /** Takes over a connection after the head of its request. */
    interface Conversation {
        void hold(Request request, InputStream in, OutputStream out) throws IOException;
    }

    record Request(String line, Map<String, String> headers, String body) {}

    static final String MACHINES = """
            {"machines":[
             {"app_name":"hello","id":"aaaa1111aaaa11","name":"hello-1","state":"started","private_ip":"fd00::1",
              "created_at":"2026-01-01T00:00:00Z","config":{"image":"hello"}},
             {"app_name":"shop","id":"bbbb2222bbbb22","name":"web","state":"stopped","private_ip":"fd00::2",
              "created_at":"2026-01-01T00:00:00Z","config":{"image":"local/shop"}},
             {"app_name":"test","id":"bbbb3333bbbb33","name":"web","state":"started","private_ip":"fd00::3",
              "created_at":"2026-01-01T00:00:00Z","config":{"image":"local/shop"}}]}""";

    private final ServerSocketChannel server;
    private final Path data;
    private final Map<String, Conversation> answers = new ConcurrentHashMap<>();
    final List<Request> requests = new CopyOnWriteArrayList<>();

    FakeDaemon(Path data) throws IOException {
        this.data = data;
        server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(data.resolve("allod.sock")));
        on("GET /v1/orgs/personal/machines", 200, MACHINES);
        Thread.ofPlatform().daemon().start(this::accept);
    }

    FakeDaemon on(String line, int status, String body) {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        return talk(line, (request, in, out) -> {
            out.write(("HTTP/1.1 " + status + " X\r\nContent-Type: application/json\r\nContent-Length: " + bytes.length
                            + "\r\n\r\n")
                    .getBytes(StandardCharsets.UTF_8));
            out.write(bytes);
        });
    }

    /** Lines of JSON, each in a chunk of its own. */
    FakeDaemon stream(String line, String... jsons) {
        return talk(line, (request, in, out) -> {
            out.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".getBytes(StandardCharsets.UTF_8));
            for (String json : jsons) {
                byte[] bytes = (json + "\n").getBytes(StandardCharsets.UTF_8);
                out.write((Integer.toHexString(bytes.length) + "\r\n").getBytes(StandardCharsets.UTF_8));
                out.write(bytes);
                out.write("\r\n".getBytes(StandardCharsets.UTF_8));
            }
            out.write("0\r\n\r\n".getBytes(StandardCharsets.UTF_8));
        });
    }

    FakeDaemon talk(String line, Conversation conversation) {
        PlayedEndpoints.require(line);
        answers.put(line, conversation);
        return this;
    }

    /** The bodies of all requests with this method and target. */
    List<Json> bodies(String line) {
        return requests.stream()
                .filter(request -> request.line().equals(line))
                .map(request -> Json.parse(request.body()))
                .toList();
    }

    List<String> lines() {
        return requests.stream().map(Request::line).toList();
    }

    private void accept() {
        while (server.isOpen()) {
            try {
                SocketChannel client = server.accept();
                Thread.ofPlatform().daemon().start(() -> serve(client));
            } catch (IOException e) {
                return;
            }
        }
    }

    private void serve(SocketChannel client) {
        try (client) {
            InputStream in = Channels.newInputStream(client);
            OutputStream out = new ChannelOutput(client);
            String[] head = head(in).split("\r\n");
            String line = head[0].substring(0, head[0].lastIndexOf(' '));
            Map<String, String> headers = new ConcurrentHashMap<>();
            for (int i = 1; i < head.length; i++) {
                headers.put(
                        head[i].substring(0, head[i].indexOf(':')).toLowerCase(java.util.Locale.ROOT),
                        head[i].substring(head[i].indexOf(':') + 1).strip());
            }
            String body = new String(
                    in.readNBytes(Integer.parseInt(headers.getOrDefault("content-length", "0"))),
                    StandardCharsets.UTF_8);
            Request request = new Request(line, headers, body);
            requests.add(request);
            Conversation answer = answers.get(line);
            if (answer == null) {
                on(line, 404, "{\"error\":\"nothing at " + line.replace("\"", "'") + "\",\"status\":\"not_found\"}");
                answer = answers.get(line);
            }
            answer.hold(request, in, out);
        } catch (IOException e) {
            // The command has gone away: that is its right.
        }
    }

    private static String head(InputStream in) throws IOException {
        ByteArrayOutputStream head = new ByteArrayOutputStream();
        while (!head.toString(StandardCharsets.UTF_8).endsWith("\r\n\r\n")) {
            int b = in.read();
            if (b < 0) {
                throw new IOException("closed");
            }
            head.write(b);
        }
        return head.toString(StandardCharsets.UTF_8);
    }

    @Override
    public void close() throws IOException {
        server.close();
        Files.deleteIfExists(data.resolve("allod.sock"));
    }

    /** The stream the JDK makes of a channel locks out its reader; this one does not. */
    private static final class ChannelOutput extends OutputStream {
        private final SocketChannel channel;

        ChannelOutput(SocketChannel channel) {
            this.channel = channel;
        }

        @Override
        public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            java.nio.ByteBuffer buffer = java.nio.ByteBuffer.wrap(bytes, offset, length);
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
        }
    }
}
