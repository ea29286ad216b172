package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A daemon with few descriptors, and more clients than those that send half a head and wait: on one port, and on both.
 */
class FloodTest {
    private static final int FILES = 1_200;
    private static final int CROWD = 1_500;
    private static final String AT_API = "allod_api_refused_connections_total{listener=\"tcp\",over=\"all\"}";
    private static final String AT_EDGE = "allod_edge_refused_connections_total{over=\"all\"}";

    @TempDir
    Path folder;

    private static List<Socket> crowd(int port, String half) throws IOException {
        List<Socket> crowd = new ArrayList<>();
        for (int i = 0; i < CROWD; i++) {
            Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
            crowd.add(socket);
            try {
                socket.getOutputStream().write(half.getBytes(StandardCharsets.US_ASCII));
            } catch (IOException closed) {
                // One too many.
            }
        }
        return crowd;
    }

    private static void leave(List<Socket> crowd) throws IOException {
        for (Socket socket : crowd) {
            socket.close();
        }
    }

    private static String bySocket(DaemonProcess daemon, String path) throws IOException {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(daemon.data.resolve("allod.sock")));
            channel.write(ByteBuffer.wrap(("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    .getBytes(StandardCharsets.US_ASCII)));
            ByteBuffer answer = ByteBuffer.allocate(1 << 18);
            while (channel.read(answer) >= 0) {
                // Until the daemon closes.
            }
            return new String(answer.array(), 0, answer.position(), StandardCharsets.UTF_8);
        }
    }

    private static long metric(String page, String name) {
        Matcher line =
                Pattern.compile("(?m)^" + Pattern.quote(name) + " ([0-9.E+]+)$").matcher(page);
        assertThat(line.find()).as(name + " in " + page).isTrue();
        return (long) Double.parseDouble(line.group(1));
    }

    @Test
    void halfHeads_moreThanDescriptors_takeNeitherTheSocketNorTheEdge() throws Exception {
        try (DaemonProcess daemon = new DaemonProcess(
                        folder.resolve("data"),
                        "--runtime",
                        "gvisor",
                        "--connections",
                        "api-address=2000,edge-address=2000")
                .openFiles(FILES)
                .start()) {
            ToIntFunction<String> throughEdge = app -> {
                try {
                    return daemon.through(app, "/").statusCode();
                } catch (IOException | InterruptedException e) {
                    return -1;
                }
            };
            List<Socket> atApi = crowd(daemon.api, "GET /v1/apps HTTP/1.1\r\nX: ");
            for (int i = 0; i < 10; i++) {
                assertThat(bySocket(daemon, "/v1/host/status")).startsWith("HTTP/1.1 200");
                assertThat(throughEdge.applyAsInt("nobody"))
                        .as("the edge beside a full API")
                        .isEqualTo(404);
            }
            List<Socket> atEdge = crowd(daemon.edge, "GET / HT");
            for (int i = 0; i < 10; i++) {
                assertThat(bySocket(daemon, "/v1/host/status")).startsWith("HTTP/1.1 200");
            }
            // The kernel connects them before the daemon accepts them.
            String page = bySocket(daemon, "/metrics");
            for (int i = 0; i < 500 && (metric(page, AT_API) < CROWD / 2 || metric(page, AT_EDGE) < CROWD / 2); i++) {
                Thread.sleep(20);
                page = bySocket(daemon, "/metrics");
                assertThat(metric(page, "process_open_fds")).isLessThan(FILES * 9 / 10);
            }
            assertThat(metric(page, "process_max_fds")).isEqualTo(FILES);
            assertThat(metric(page, AT_API)).isGreaterThanOrEqualTo(CROWD / 2);
            assertThat(metric(page, AT_EDGE)).isGreaterThanOrEqualTo(CROWD / 2);
            leave(atEdge);
            leave(atApi);
            assertThat(daemon.ok("GET", "/v1/host/status", "").get("version").stringValue())
                    .isNotEmpty();
            assertThat(throughEdge.applyAsInt("nobody"))
                    .as("the edge once they have left")
                    .isEqualTo(404);
            assertThat(daemon.log()).doesNotContain("Too many open files");
        }
    }
}
