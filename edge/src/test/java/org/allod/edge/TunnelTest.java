package org.allod.edge;

import static org.allod.edge.Rig.ONE;
import static org.allod.edge.Rig.running;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Base64;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class TunnelTest {
    private static final String UPGRADE =
            "GET /ws HTTP/1.1\r\nHost: hello.localhost\r\nConnection: keep-alive, Upgrade\r\n"
                    + "Upgrade: echo\r\n\r\n";

    static {
        System.setProperty("jdk.httpclient.allowRestrictedHeaders", "host");
    }

    /** Accepts any upgrade and sends everything back. */
    private static RawBackend echo() {
        return new RawBackend(conn -> {
            conn.head();
            conn.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
            byte[] block = new byte[65_536];
            for (int n = conn.in.read(block); n >= 0; n = conn.in.read(block)) {
                conn.out.write(block, 0, n);
            }
            conn.write("bye");
        });
    }

    /** Enough of RFC 6455 to send every text frame back; the client is the JDK's. */
    private static RawBackend webSocket() {
        return new RawBackend(conn -> {
            String head = conn.head();
            String key = head.split("(?i)sec-websocket-key: ")[1].split("\r\n")[0];
            byte[] digest = MessageDigest.getInstance("SHA-1")
                    .digest((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").getBytes(StandardCharsets.US_ASCII));
            conn.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    + "Sec-WebSocket-Accept: " + Base64.getEncoder().encodeToString(digest) + "\r\n\r\n");
            while (true) {
                int first = conn.in.read();
                int length = conn.in.read() & 0x7f;
                if (length == 126) {
                    length = conn.in.read() << 8 | conn.in.read();
                }
                byte[] mask = conn.in.readNBytes(4);
                byte[] data = conn.in.readNBytes(length);
                for (int i = 0; i < data.length; i++) {
                    data[i] ^= mask[i % 4];
                }
                conn.write(new byte[] {(byte) first, 126, (byte) (length >> 8), (byte) length});
                conn.write(data);
                if ((first & 0xf) == 8) {
                    return;
                }
            }
        });
    }

    @Test
    void webSocket_throughTheEdge_echoes() throws Exception {
        try (RawBackend backend = webSocket();
                Rig rig = new Rig().publish("hello", running(ONE, backend.port()));
                HttpClient client = HttpClient.newHttpClient()) {
            CompletableFuture<String> said = new CompletableFuture<>();
            WebSocket socket = client.newWebSocketBuilder()
                    .header("Host", "hello.localhost")
                    .buildAsync(
                            URI.create("ws://127.0.0.1:" + rig.edge.address().getPort() + "/"),
                            new WebSocket.Listener() {
                                private final StringBuilder text = new StringBuilder();

                                @Override
                                public CompletionStage<?> onText(WebSocket from, CharSequence data, boolean last) {
                                    text.append(data);
                                    if (last) {
                                        said.complete(text.toString());
                                    }
                                    from.request(1);
                                    return null;
                                }
                            })
                    .get(10, TimeUnit.SECONDS);
            String message = "hello ".repeat(2000);
            socket.sendText(message, true).get(10, TimeUnit.SECONDS);
            assertThat(said.get(10, TimeUnit.SECONDS)).isEqualTo(message);
            assertThat(rig.edge.stats().inFlight()).as("an open socket is load").isEqualTo(1);
            socket.sendClose(WebSocket.NORMAL_CLOSURE, "").get(10, TimeUnit.SECONDS);
            Rig.eventually(() -> rig.edge.stats().inFlight() == 0, "the load is gone");
        }
    }

    @Test
    void upgrade_bytesSentRightBehindIt_arriveAndEachSideMayEndFirst() {
        try (RawBackend backend = echo();
                Rig rig = new Rig().publish("hello", running(ONE, backend.port()));
                Rig.RawClient rawClient = rig.dial()) {
            rawClient.send(UPGRADE + "early");
            Rig.RawClient.Reply reply = rawClient.reply();
            assertThat(reply.status()).isEqualTo(101);
            assertThat(reply.header("upgrade")).isEqualTo("echo");
            assertThat(reply.header("connection")).isEqualTo("upgrade");
            assertThat(rawClient.read(5)).isEqualTo("early");
            assertThat(rawClient.send("more").read(4)).isEqualTo("more");
            assertThat(rawClient.finishSending().read(3))
                    .as("half closed, still read from")
                    .isEqualTo("bye");
            assertThat(rawClient.closed(Duration.ofSeconds(5))).isTrue();
            assertThat(backend.heads.getFirst())
                    .contains("connection: upgrade\r\nupgrade: echo\r\n")
                    .doesNotContain("keep-alive");
        }
    }

    @Test
    void tunnel_manyBytesBothWays_keepsThemAllInOrder() throws Exception {
        byte[] data = new byte[30_000_000];
        new Random(11).nextBytes(data);
        try (RawBackend backend = echo();
                Rig rig = new Rig().publish("hello", running(ONE, backend.port()));
                Rig.RawClient rawClient = rig.dial()) {
            assertThat(rawClient.send(UPGRADE).reply().status()).isEqualTo(101);
            Thread sender = Thread.ofVirtual().start(() -> rawClient.send(data));
            assertThat(java.util.Arrays.equals(rawClient.in.readNBytes(data.length), data))
                    .isTrue();
            sender.join();
        }
    }

    @Test
    void upgrade_thatTheMachineDeclines_isAnOrdinaryAnswer() {
        try (RawBackend backend = RawBackend.saying("no");
                Rig rig = new Rig().publish("hello", running(ONE, backend.port()));
                Rig.RawClient rawClient = rig.dial()) {
            assertThat(rawClient.send(UPGRADE).reply().body()).isEqualTo("no");
            assertThat(rawClient.send(UPGRADE).reply().body()).isEqualTo("no");
        }
    }

    @Test
    void tunnel_machineGone_endsTheClient() {
        RawBackend backend = echo();
        try (Rig rig = new Rig(config -> config.with(config.times()
                                .clients(Duration.ofSeconds(5), Duration.ofSeconds(5), Duration.ofMillis(300))))
                        .publish("hello", running(ONE, backend.port()));
                Rig.RawClient rawClient = rig.dial()) {
            assertThat(rawClient.send(UPGRADE).reply().status()).isEqualTo(101);
            backend.close();
            assertThat(rawClient.closed(Duration.ofSeconds(5))).isTrue();
            Rig.eventually(() -> rig.edge.stats().inFlight() == 0, "the load is gone");
        }
    }
}
