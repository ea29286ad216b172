package org.allod.edge;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;

/** Compressed responses, and deadlines of request heads: the {@code http_options} of a port. */
class CompressionTest {
    private static final String TEXT = "Lorem ipsum dolor sit amet. ".repeat(20_000);
    private static final HttpOptions COMPRESS =
            new HttpOptions(false, Map.of(), false, Optional.empty(), true, Optional.empty(), 0);

    private static RawBackend answering(String head, String body) {
        return new RawBackend(conn -> {
            for (String request = conn.head(); request != null; request = conn.head()) {
                conn.write("HTTP/1.1 200 OK\r\n" + head + "\r\nContent-Length: " + body.length() + "\r\n\r\n");
                if (!request.startsWith("HEAD")) {
                    conn.write(body);
                }
            }
        });
    }

    private static void publish(Rig rig, HttpOptions options, RawBackend backend) {
        rig.edge.publish(new Catalog(Map.of(
                "hello", new CatalogApp("hello", List.of(Rig.running(Rig.ONE, backend.port())), options))));
    }

    private static String request(String accept) {
        return "GET / HTTP/1.1\r\nHost: hello.localhost\r\n"
                + (accept.isEmpty() ? "" : "Accept-Encoding: " + accept + "\r\n") + "\r\n";
    }

    private static Rig.RawClient.Reply get(Rig rig, String accept) {
        try (Rig.RawClient rawClient = rig.dial()) {
            return rawClient.send(request(accept)).reply();
        }
    }

    private static String plain(Rig.RawClient.Reply reply) {
        assertThat(reply.header("content-encoding")).as(reply.head()).isEqualTo("gzip");
        assertThat(reply.whole()).isTrue();
        try (GZIPInputStream in = new GZIPInputStream(new ByteArrayInputStream(reply.bytes()))) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void text_isCompressedForClientsThatTakeIt_onKeptConnections() {
        try (Rig rig = new Rig();
                RawBackend backend =
                        answering("Content-Type: text/html\r\nETag: \"one\"\r\nAccept-Ranges: bytes", TEXT)) {
            publish(rig, COMPRESS, backend);
            try (Rig.RawClient rawClient = rig.dial()) {
                for (int i = 0; i < 3; i++) {
                    Rig.RawClient.Reply reply =
                            rawClient.send(request("br, gzip;q=0.8")).reply();
                    assertThat(plain(reply)).isEqualTo(TEXT);
                    assertThat(reply.bytes().length).isLessThan(TEXT.length() / 10);
                    assertThat(reply.header("etag")).isEqualTo("W/\"one\"");
                    assertThat(reply.header("vary")).isEqualTo("accept-encoding");
                    assertThat(reply.head())
                            .doesNotContainIgnoringCase("content-length")
                            .doesNotContainIgnoringCase("accept-ranges");
                }
            }
            assertThat(backend.connections).hasValue(1);
            for (String not : List.of("", "br", "gzip;q=0", "identity, gzip; q=0.000", "*;q=0")) {
                Rig.RawClient.Reply reply = get(rig, not);
                assertThat(reply.body()).as(not).isEqualTo(TEXT);
                assertThat(reply.header("vary")).isEqualTo("accept-encoding");
                assertThat(reply.header("etag")).isEqualTo("\"one\"");
            }
            assertThat(plain(get(rig, "*"))).isEqualTo(TEXT);
            try (Rig.RawClient rawClient = rig.dial()) {
                Rig.RawClient.Reply old =
                        rawClient.send(request("gzip").replace("1.1", "1.0")).reply();
                assertThat(old.body()).isEqualTo(TEXT);
            }
            try (Rig.RawClient rawClient = rig.dial()) {
                Rig.RawClient.Reply head =
                        rawClient.send(request("gzip").replace("GET", "HEAD")).reply(true);
                assertThat(head.header("content-length")).isEqualTo("" + TEXT.length());
                assertThat(rawClient.send(request("gzip")).reply().header("content-encoding"))
                        .isEqualTo("gzip");
            }
            publish(rig, HttpOptions.USUAL, backend);
            assertThat(get(rig, "gzip").head()).doesNotContain("vary", "content-encoding");
        }
    }

    @Test
    void answersThatAreNotToBeTouched_areNot() {
        for (String head : List.of(
                "Content-Type: image/png",
                "Content-Type: text/event-stream",
                "X-None: 1",
                "Content-Type: text/css\r\nContent-Encoding: br",
                "Content-Type: text/css\r\nCache-Control: public, No-Transform",
                "Content-Type: text/css\r\nContent-Digest: sha-256=:x:")) {
            try (Rig rig = new Rig();
                    RawBackend backend = answering(head, TEXT)) {
                publish(rig, COMPRESS, backend);
                Rig.RawClient.Reply reply = get(rig, "gzip");
                assertThat(reply.body()).as(head).isEqualTo(TEXT);
                assertThat(reply.header("content-encoding")).isNotEqualTo("gzip");
            }
        }
        try (Rig rig = new Rig();
                RawBackend small = answering("Content-Type: text/css", "body{}")) {
            publish(rig, COMPRESS, small);
            assertThat(get(rig, "gzip").body()).isEqualTo("body{}");
        }
        try (Rig rig = new Rig();
                RawBackend part = new RawBackend(conn -> {
                    conn.head();
                    conn.write("HTTP/1.1 206 Partial Content\r\nContent-Type: text/css\r\nContent-Length: 2000\r\n"
                            + "Content-Range: bytes 0-1999/9999\r\n\r\n" + "x".repeat(2_000));
                })) {
            publish(rig, COMPRESS, part);
            assertThat(get(rig, "gzip").body()).hasSize(2_000);
        }
    }

    @Test
    void bodies_inChunksOrUntilTheEnd_areCompressedAsTheyCome() throws Exception {
        CountDownLatch seen = new CountDownLatch(1);
        String rest = "x".repeat(100_000);
        for (boolean chunked : new boolean[] {true, false}) {
            try (Rig rig = new Rig();
                    RawBackend backend = new RawBackend(conn -> {
                        conn.head();
                        conn.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                + (chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n"));
                        conn.write(chunked ? "5\r\nfirst\r\n" : "first");
                        seen.await();
                        conn.write(chunked ? "186a0\r\n" + rest + "\r\n0\r\n\r\n" : rest);
                    })) {
                publish(rig, COMPRESS, backend);
                try (Rig.RawClient rawClient = rig.dial()) {
                    rawClient.send(request("gzip"));
                    assertThat(rawClient.head()).contains("transfer-encoding: chunked", "content-encoding: gzip");
                    // The first piece is here, and can be read, while the machine has not said the rest.
                    int size = Integer.parseInt(rawClient.read(4).strip(), 16);
                    byte[] piece = rawClient.read(size).getBytes(StandardCharsets.ISO_8859_1);
                    GZIPInputStream in = new GZIPInputStream(new ByteArrayInputStream(piece));
                    assertThat(in.readNBytes(5)).asString().isEqualTo("first");
                    seen.countDown();
                    Rig.eventually(() -> rig.edge.stats().inFlight() == 0, "it is over");
                }
                assertThat(plain(get(rig, "gzip"))).isEqualTo("first" + rest);
            }
        }
    }

    @Test
    void answerThatIsCut_isCutForTheClientToo() {
        try (Rig rig = new Rig();
                RawBackend backend = new RawBackend(conn -> {
                    conn.head();
                    conn.write("HTTP/1.1 200 OK\r\nContent-Type: text/css\r\nContent-Length: 9999\r\n\r\nonly this");
                })) {
            publish(rig, COMPRESS, backend);
            assertThat(get(rig, "gzip").whole()).isFalse();
        }
    }

    @Test
    void files_areCompressedLikeAnswers() {
        byte[] content = TEXT.getBytes(StandardCharsets.UTF_8);
        byte[] noise = new byte[100_000];
        new Random(3).nextBytes(noise);
        Statics statics = new Statics(List.of(new Statics.Place("/", "", "")), path -> switch (path) {
            case "/a.txt" -> Optional.of(new InMemory(content));
            case "/b.txt" -> Optional.of(new InMemory(noise));
            default -> Optional.of(new InMemory("small".getBytes(StandardCharsets.UTF_8)));
        });
        try (Rig rig = new Rig()) {
            rig.edge.publish(new Catalog(Map.of("hello", new CatalogApp("hello", List.of(), COMPRESS, statics))));
            try (Rig.RawClient rawClient = rig.dial()) {
                Rig.RawClient.Reply reply =
                        rawClient.send(request("gzip").replace("/ ", "/a.txt ")).reply();
                assertThat(plain(reply)).isEqualTo(TEXT);
                assertThat(reply.header("etag")).isEqualTo("W/\"t\"");
                assertThat(rawClient
                                .send(request("gzip").replace("/ ", "/c.txt "))
                                .reply()
                                .body())
                        .isEqualTo("small");
                assertThat(rawClient
                                .send(request("").replace("/ ", "/a.txt "))
                                .reply()
                                .body())
                        .isEqualTo(TEXT);
                String again = request("gzip\r\nIf-None-Match: W/\"t\"").replace("/ ", "/a.txt ");
                assertThat(rawClient.send(again).reply().status()).isEqualTo(304);
                String part = request("gzip\r\nRange: bytes=0-4").replace("/ ", "/a.txt ");
                assertThat(rawClient.send(part).reply().body()).isEqualTo("Lorem");
                Rig.RawClient.Reply noisy =
                        rawClient.send(request("gzip").replace("/ ", "/b.txt ")).reply();
                assertThat(noisy.whole()).isTrue();
            }
        }
    }

    private record InMemory(byte[] bytes) implements Statics.Content {
        @Override
        public long size() {
            return bytes.length;
        }

        @Override
        public Instant modified() {
            return Instant.EPOCH;
        }

        @Override
        public String tag() {
            return "t";
        }

        @Override
        public int read(ByteBuffer into, long at) {
            int count = Math.min(into.remaining(), bytes.length - (int) at);
            into.put(bytes, (int) at, count);
            return count;
        }

        @Override
        public void close() {}
    }

    @Test
    void head_thatTakesLongerThanTheAppGivesIt_isRefused() throws Exception {
        HttpOptions quick =
                new HttpOptions(false, Map.of(), false, Optional.empty(), false, Optional.of(Duration.ofSeconds(1)), 0);
        try (Rig rig = new Rig();
                RawBackend backend = RawBackend.saying("here")) {
            publish(rig, quick, backend);
            try (Rig.RawClient rawClient = rig.dial()) {
                assertThat(rawClient.send(request("")).reply().body()).isEqualTo("here");
                Thread.sleep(1_300); // between requests, which is no head
                rawClient.send("GET / HTTP/1.1\r\n");
                assertThat(rawClient
                                .send("Host: hello.localhost\r\n\r\n")
                                .reply()
                                .body())
                        .isEqualTo("here");
                rawClient.send("GET / HTTP/1.1\r\n");
                Thread.sleep(1_300);
                Rig.RawClient.Reply late =
                        rawClient.send("Host: hello.localhost\r\n\r\n").reply();
                assertThat(late.status()).isEqualTo(408);
                assertThat(late.header("allod-error")).isEqualTo("request-timeout");
            }
        }
    }
}
