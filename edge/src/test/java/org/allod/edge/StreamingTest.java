package org.allod.edge;

import static org.allod.edge.Rig.ONE;
import static org.allod.edge.Rig.running;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;

class StreamingTest {
    static {
        // So that its client lets a test say which app it wants; read when the client is first used.
        System.setProperty("jdk.httpclient.allowRestrictedHeaders", "host");
    }

    private static final String GET = "GET / HTTP/1.1\r\nHost: hello.localhost\r\n\r\n";

    /** Seeded by its size, so that a wrong byte can be found again. */
    private static byte[] random(int size) {
        byte[] bytes = new byte[size];
        new Random(size).nextBytes(bytes);
        return bytes;
    }

    @Test
    void bodies_ofEverySizeAndFraming_comeThroughBothWays() throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext("/", exchange -> {
            byte[] body = exchange.getRequestBody().readAllBytes();
            boolean chunked = exchange.getRequestURI().getQuery().equals("chunked");
            exchange.sendResponseHeaders(200, chunked ? 0 : body.length == 0 ? -1 : body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
        try (Rig rig = new Rig()
                        .publish("hello", running(ONE, server.getAddress().getPort()));
                HttpClient client = HttpClient.newBuilder()
                        .version(HttpClient.Version.HTTP_1_1)
                        .build()) {
            for (int size : new int[] {0, 1, 100, 4095, 4096, 10_000, 65_536, 1_000_000, 20_000_000}) {
                byte[] body = random(size);
                for (String query : new String[] {"plain", "chunked"}) {
                    HttpRequest.BodyPublisher publisher = query.equals("chunked")
                            ? HttpRequest.BodyPublishers.fromPublisher(HttpRequest.BodyPublishers.ofByteArray(body))
                            : HttpRequest.BodyPublishers.ofByteArray(body);
                    URI uri =
                            URI.create("http://127.0.0.1:" + rig.edge.address().getPort() + "/?" + query);
                    HttpResponse<byte[]> reply = client.send(
                            HttpRequest.newBuilder(uri)
                                    .header("Host", "hello.localhost")
                                    .POST(publisher)
                                    .build(),
                            HttpResponse.BodyHandlers.ofByteArray());
                    assertThat(Arrays.equals(reply.body(), body))
                            .as("%s, %d bytes", query, size)
                            .isTrue();
                }
            }
        } finally {
            server.stop(0);
        }
    }

    @Test
    void client_thatDoesNotRead_stopsTheMachineFromSending() throws Exception {
        java.util.concurrent.atomic.AtomicLong sent = new java.util.concurrent.atomic.AtomicLong();
        try (RawBackend backend = new RawBackend(conn -> {
                    conn.head();
                    conn.write("HTTP/1.1 200 OK\r\nContent-Length: 200000000\r\n\r\n");
                    byte[] block = new byte[100_000];
                    for (int i = 0; i < 2000; i++) {
                        conn.write(block);
                        sent.addAndGet(block.length);
                    }
                });
                Rig rig = new Rig().publish("hello", running(ONE, backend.port()));
                Rig.RawClient rawClient = rig.dial()) {
            rawClient.send(GET);
            Rig.eventually(() -> sent.get() > 0, "it sends");
            Thread.sleep(700);
            long stuck = sent.get();
            Thread.sleep(300);
            assertThat(sent.get()).as("no more is taken").isEqualTo(stuck);
            assertThat(stuck).as("only sockets' buffers are full").isLessThan(40_000_000);
            assertThat(rawClient.reply().bytes()).hasSize(200_000_000);
        }
    }

    @Test
    void head_request_getsTheLengthAndNoBody() {
        try (RawBackend backend = new RawBackend(conn -> {
                    while (conn.head() != null) {
                        conn.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
                    }
                });
                Rig rig = new Rig().publish("hello", running(ONE, backend.port()));
                Rig.RawClient rawClient = rig.dial()) {
            for (int i = 0; i < 3; i++) {
                Rig.RawClient.Reply reply = rawClient
                        .send("HEAD / HTTP/1.1\r\nHost: hello.localhost\r\n\r\n")
                        .reply(true);
                assertThat(reply.header("content-length")).isEqualTo("1000");
            }
            assertThat(backend.connections.get()).isEqualTo(1);
        }
    }

    @Test
    void answer_withoutABody_keepsTheConnection() {
        try (RawBackend backend = new RawBackend(conn -> {
                    for (String head = conn.head(); head != null; head = conn.head()) {
                        String status = head.substring(5, 8);
                        conn.write("HTTP/1.1 " + status + " X\r\nETag: a\r\n\r\n");
                    }
                });
                Rig rig = new Rig().publish("hello", running(ONE, backend.port()));
                Rig.RawClient rawClient = rig.dial()) {
            for (String status : new String[] {"204", "304", "204"}) {
                Rig.RawClient.Reply reply = rawClient
                        .send("GET /" + status + " HTTP/1.1\r\nHost: hello.localhost\r\n\r\n")
                        .reply();
                assertThat(reply.status()).isEqualTo(Integer.parseInt(status));
            }
            assertThat(backend.connections.get()).isEqualTo(1);
        }
    }

    @Test
    void answer_untilClose_endsTheConnection() {
        try (RawBackend backend = new RawBackend(conn -> {
                    conn.head();
                    conn.write("HTTP/1.0 200 OK\r\n\r\nuntil the end");
                });
                Rig rig = new Rig().publish("hello", running(ONE, backend.port()));
                Rig.RawClient rawClient = rig.dial()) {
            Rig.RawClient.Reply reply = rawClient.send(GET).reply();
            assertThat(reply.body()).isEqualTo("until the end");
            assertThat(reply.header("connection")).isEqualTo("close");
        }
    }

    @Test
    void http10Client_getsChunksWithoutTheirFrames() {
        try (RawBackend backend = new RawBackend(conn -> {
                    conn.head();
                    conn.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
                    Thread.sleep(50);
                    conn.write("6;x=y\r\n world\r\n0\r\nT: v\r\n\r\n");
                    conn.in.read();
                });
                Rig rig = new Rig().publish("hello", running(ONE, backend.port()));
                Rig.RawClient rawClient = rig.dial()) {
            Rig.RawClient.Reply reply = rawClient
                    .send("GET / HTTP/1.0\r\nHost: hello.localhost\r\nConnection: keep-alive\r\n\r\n")
                    .reply();
            assertThat(reply.body()).isEqualTo("hello world");
            assertThat(reply.header("transfer-encoding")).isEmpty();
        }
    }

    @Test
    void http10Client_thatAsksForIt_keepsItsConnection() {
        try (RawBackend backend = RawBackend.echo();
                Rig rig = new Rig().publish("hello", running(ONE, backend.port()));
                Rig.RawClient rawClient = rig.dial()) {
            for (int i = 0; i < 3; i++) {
                Rig.RawClient.Reply reply = rawClient
                        .send("GET / HTTP/1.0\r\nHost: hello.localhost\r\nConnection: keep-alive\r\n\r\n")
                        .reply();
                assertThat(reply.header("connection")).isEqualTo("keep-alive");
                assertThat(reply.body()).startsWith("GET / HTTP/1.1\r\n");
            }
            assertThat(rawClient
                            .send("GET / HTTP/1.0\r\nHost: hello.localhost\r\n\r\n")
                            .reply()
                            .header("connection"))
                    .isEqualTo("close");
            assertThat(rawClient.closed(Duration.ofSeconds(3))).isTrue();
        }
    }

    @Test
    void pipelinedRequests_areAnsweredInOrder() {
        try (RawBackend backend = RawBackend.echo();
                Rig rig = new Rig().publish("hello", running(ONE, backend.port()));
                Rig.RawClient rawClient = rig.dial()) {
            StringBuilder all = new StringBuilder();
            for (int i = 0; i < 500; i++) {
                all.append(
                        i % 3 == 0
                                ? "POST /" + i + " HTTP/1.1\r\nHost: hello.localhost\r\nContent-Length: 4\r\n\r\nbody"
                                : i % 3 == 1
                                        ? "GET /" + i + " HTTP/1.1\r\nHost: hello.localhost\r\n\r\n"
                                        : "GET /" + i + " HTTP/1.1\r\nHost: unknown.localhost\r\n\r\n");
            }
            Thread.ofVirtual().start(() -> rawClient.send(all.toString()));
            for (int i = 0; i < 500; i++) {
                Rig.RawClient.Reply reply = rawClient.reply();
                if (i % 3 == 2) {
                    assertThat(reply.status()).isEqualTo(404);
                } else {
                    assertThat(reply.body()).contains(" /" + i + " HTTP/1.1");
                }
            }
        }
    }

    @Test
    void request_inSinglePackets_isReadAllTheSame() throws Exception {
        try (RawBackend backend = RawBackend.echo();
                Rig rig = new Rig().publish("hello", running(ONE, backend.port()));
                Rig.RawClient rawClient = rig.dial()) {
            String request = "\r\nPOST /slow HTTP/1.1\r\nHost: hello.localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + "5;ext\r\nhello\r\n0\r\nTrailer: x\r\n\r\n";
            for (byte b : request.getBytes(java.nio.charset.StandardCharsets.US_ASCII)) {
                rawClient.send(new byte[] {b});
                Thread.sleep(1);
            }
            assertThat(rawClient.reply().body()).startsWith("POST /slow").endsWith("hello");
        }
    }

    @Test
    void expectContinue_isTheMachinesToAnswer() {
        try (RawBackend backend = new RawBackend(conn -> {
                    String head = conn.head();
                    if (head.startsWith("POST /no")) {
                        conn.write("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
                    } else {
                        conn.write("HTTP/1.1 100 Continue\r\n\r\n");
                        conn.write("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
                        byte[] body = conn.body(head);
                        conn.write("HTTP/1.1 200 OK\r\nContent-Length: " + body.length + "\r\n\r\n");
                        conn.write(body);
                    }
                    conn.in.read();
                });
                Rig rig = new Rig().publish("hello", running(ONE, backend.port()));
                Rig.RawClient rawClient = rig.dial();
                Rig.RawClient refused = rig.dial()) {
            String rest = " HTTP/1.1\r\nHost: hello.localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
            assertThat(rawClient.send("POST /yes" + rest).reply().status()).isEqualTo(100);
            Rig.RawClient.Reply hints = rawClient.reply();
            assertThat(hints.status()).isEqualTo(103);
            assertThat(hints.header("link")).isEqualTo("</a>");
            assertThat(rawClient.send("hello").reply().body()).isEqualTo("hello");
            Rig.RawClient.Reply no = refused.send("POST /no" + rest).reply();
            assertThat(no.status()).isEqualTo(413);
            assertThat(no.header("connection")).isEqualTo("close");
            assertThat(refused.closed(Duration.ofSeconds(5))).isTrue();
        }
    }

    @Test
    void answer_beforeTheBodyIsSent_reachesTheClientWhole() throws Exception {
        try (RawBackend backend = new RawBackend(conn -> {
                    conn.head();
                    conn.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nforbidden");
                    // It reads on, as servers do that want their answer to arrive: closing on unread bytes is a reset,
                    // and a reset may overtake the answer.
                    conn.in.readNBytes(3_000_000);
                });
                Rig rig = new Rig().publish("hello", running(ONE, backend.port()));
                Rig.RawClient rawClient = rig.dial()) {
            Thread.ofVirtual().start(() -> {
                try {
                    rawClient
                            .send("POST / HTTP/1.1\r\nHost: hello.localhost\r\nContent-Length: 3000000\r\n\r\n")
                            .send(new byte[3_000_000]);
                } catch (java.io.UncheckedIOException closed) {
                    // As it may be.
                }
            });
            Rig.RawClient.Reply reply = rawClient.reply();
            assertThat(reply.status()).isEqualTo(403);
            assertThat(reply.body()).isEqualTo("forbidden");
        }
    }

    @Test
    void machine_thatBreaksOffWithinTheBody_isNotTakenForTheEnd() {
        try (RawBackend backend = new RawBackend(conn -> {
                    String head = conn.head();
                    conn.write(
                            head.contains("/chunked")
                                    ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
                                    : "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello");
                });
                Rig rig = new Rig().publish("hello", running(ONE, backend.port()))) {
            for (String path : new String[] {"/chunked", "/plain"}) {
                Rig.RawClient.Reply reply = rig.get("hello.localhost", path);
                assertThat(reply.body()).isEqualTo("hello");
                assertThat(reply.whole()).isFalse();
            }
        }
    }

    @Test
    void machine_thatClosesWithoutAnAnswer_isA502() {
        try (RawBackend backend = new RawBackend(RawBackend.Conn::head);
                Rig rig = new Rig().publish("hello", running(ONE, backend.port()))) {
            Rig.RawClient.Reply reply = rig.get("hello.localhost", "/");
            assertThat(reply.status()).isEqualTo(502);
            assertThat(reply.header("allod-error")).isEqualTo("closed-early");
        }
    }

    @Test
    void keptConnection_thatTheMachineClosed_isReplacedForAGetButNotForAPost() throws Exception {
        try (RawBackend backend = new RawBackend(conn -> {
                    conn.head();
                    conn.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                    conn.in.read();
                });
                Rig rig = new Rig().publish("hello", running(ONE, backend.port()));
                Rig.RawClient rawClient = rig.dial()) {
            assertThat(rawClient.send(GET).reply().body()).isEqualTo("ok");
            // The machine reads one byte of this request and closes: as if it had just gone idle.
            assertThat(rawClient.send(GET).reply().body()).isEqualTo("ok");
            assertThat(rig.edge.stats().retries()).isEqualTo(1);
            Rig.RawClient.Reply post = rawClient
                    .send("POST / HTTP/1.1\r\nHost: hello.localhost\r\nContent-Length: 2\r\n\r\nhi")
                    .reply();
            assertThat(post.status()).as("it may have been carried out").isEqualTo(502);
        }
    }

    @Test
    void client_thatLeaves_endsTheMachinesWork() throws Exception {
        CompletableFuture<Boolean> ended = new CompletableFuture<>();
        try (RawBackend backend = new RawBackend(conn -> {
                    conn.head();
                    ended.complete(conn.in.read() < 0);
                });
                Rig rig = new Rig().publish("hello", running(ONE, backend.port()))) {
            try (Rig.RawClient rawClient = rig.dial()) {
                rawClient.send(GET);
                Rig.eventually(() -> backend.heads.size() == 1, "it is under way");
            }
            assertThat(ended.get(5, java.util.concurrent.TimeUnit.SECONDS)).isTrue();
            Rig.eventually(() -> rig.edge.stats().inFlight() == 0, "nothing is in flight");
        }
    }

    @Test
    void client_thatOnlyStopsSending_isStillAnswered() {
        try (RawBackend backend = new RawBackend(conn -> {
                    conn.head();
                    Thread.sleep(200);
                    conn.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstill");
                });
                Rig rig = new Rig().publish("hello", running(ONE, backend.port()));
                Rig.RawClient rawClient = rig.dial()) {
            assertThat(rawClient.send(GET).finishSending().reply().body()).isEqualTo("still");
            assertThat(rawClient.closed(Duration.ofSeconds(5))).isTrue();
        }
    }

    @Test
    void client_thatStopsWithinItsBody_isCutOff() throws Exception {
        CompletableFuture<Integer> got = new CompletableFuture<>();
        try (RawBackend backend = new RawBackend(conn -> {
                    conn.head();
                    got.complete(conn.in.readNBytes(100).length);
                });
                Rig rig = new Rig().publish("hello", running(ONE, backend.port()));
                Rig.RawClient rawClient = rig.dial()) {
            rawClient.send("POST / HTTP/1.1\r\nHost: hello.localhost\r\nContent-Length: 100\r\n\r\nhalf");
            Rig.eventually(() -> backend.heads.size() == 1, "it is under way");
            rawClient.finishSending();
            assertThat(got.get(5, java.util.concurrent.TimeUnit.SECONDS)).isEqualTo(4);
            assertThat(rawClient.closed(Duration.ofSeconds(5))).isTrue();
        }
    }
}
