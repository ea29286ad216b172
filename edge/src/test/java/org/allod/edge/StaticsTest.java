package org.allod.edge;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files that the edge serves instead of the machines. */
class StaticsTest {
    private static final Instant THEN = Instant.parse("2026-02-03T04:05:06.789Z");
    private static final String MODIFIED = "Tue, 03 Feb 2026 04:05:06 GMT";

    @TempDir
    Path folder;

    private byte[] large;
    private final AtomicInteger open = new AtomicInteger();
    private volatile int breakAt = Integer.MAX_VALUE;

    @BeforeEach
    void files() throws IOException {
        Files.createDirectories(folder.resolve("srv/docs"));
        large = new byte[3 << 20];
        new Random(1).nextBytes(large);
        write("srv/large.bin", large);
        write("srv/a b.css", "body{}".getBytes(StandardCharsets.UTF_8));
        write("srv/docs/index.html", "<p>docs".getBytes(StandardCharsets.UTF_8));
        write("srv/empty.txt", new byte[0]);
        write("etc.txt", "outside".getBytes(StandardCharsets.UTF_8));
    }

    private void write(String name, byte[] content) throws IOException {
        Files.write(folder.resolve(name), content);
        Files.setLastModifiedTime(folder.resolve(name), FileTime.from(THEN));
    }

    /** Files of the folder, as an image's would be. */
    private final class Opened implements Statics.Content {
        private final FileChannel file;

        Opened(Path path) throws IOException {
            file = FileChannel.open(path);
            open.incrementAndGet();
        }

        @Override
        public long size() {
            try {
                return file.size();
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        }

        @Override
        public Instant modified() {
            return THEN;
        }

        @Override
        public String tag() {
            return "tag" + size();
        }

        @Override
        public int read(ByteBuffer into, long at) throws IOException {
            if (at >= breakAt) {
                throw new IOException("the disk is broken");
            }
            return file.read(into, at);
        }

        @Override
        public void close() throws IOException {
            file.close();
            open.decrementAndGet();
        }
    }

    private Statics statics() {
        return new Statics(
                List.of(new Statics.Place("/", "/", ""), new Statics.Place("/s/", "/srv", "index.html")), path -> {
                    Path file = folder.resolve(path.substring(1));
                    return Files.isRegularFile(file) ? Optional.of(new Opened(file)) : Optional.empty();
                });
    }

    private void publish(Rig rig, HttpOptions options, Backend... backends) {
        rig.edge.publish(new Catalog(Map.of("hello", new CatalogApp("hello", List.of(backends), options, statics()))));
    }

    private static Rig.RawClient.Reply ask(Rig rig, String line, String... fields) {
        try (Rig.RawClient rawClient = rig.dial()) {
            String more = fields.length == 0 ? "" : String.join("\r\n", fields) + "\r\n";
            return rawClient
                    .send(line + " HTTP/1.1\r\nHost: hello.localhost\r\n" + more + "\r\n")
                    .reply(line.startsWith("HEAD"));
        }
    }

    @Test
    void files_areServedWithoutAMachine_andTheRestGoesToOne() {
        try (Rig rig = new Rig();
                RawBackend backend = RawBackend.saying("machine")) {
            publish(rig, HttpOptions.USUAL, Rig.stopped(Rig.ONE, backend.port()));
            try (Rig.RawClient rawClient = rig.dial()) {
                for (int i = 0; i < 3; i++) {
                    Rig.RawClient.Reply reply = rawClient
                            .send("GET /s/a%20b.css?v=1 HTTP/1.1\r\nHost: hello.localhost\r\n\r\n")
                            .reply();
                    assertThat(reply.status()).isEqualTo(200);
                    assertThat(reply.body()).isEqualTo("body{}");
                    assertThat(reply.header("content-type")).isEqualTo("text/css; charset=utf-8");
                    assertThat(reply.header("etag")).isEqualTo("\"tag6\"");
                    assertThat(reply.header("last-modified")).isEqualTo(MODIFIED);
                    assertThat(reply.header("fly-request-id")).hasSize(26);
                }
                assertThat(rawClient
                                .send("GET /s/large.bin HTTP/1.1\r\nHost: hello.localhost\r\n\r\n"
                                        + "GET /s/docs/ HTTP/1.1\r\nHost: hello.localhost\r\n\r\n")
                                .reply()
                                .bytes())
                        .isEqualTo(large);
                assertThat(rawClient.reply().body()).isEqualTo("<p>docs");
            }
            assertThat(ask(rig, "GET /s/empty.txt").body()).isEmpty();
            assertThat(ask(rig, "HEAD /s/large.bin").header("content-length")).isEqualTo("" + large.length);
            assertThat(rig.machines.woken).isEmpty();
            publish(rig, HttpOptions.USUAL, Rig.running(Rig.ONE, backend.port()));
            for (String other : List.of(
                    "GET /s/none.css",
                    "GET /s/docs",
                    "GET /srv/",
                    "POST /s/a%20b.css",
                    "GET /s/../etc.txt",
                    "GET /s/%2e%2e/etc.txt",
                    "GET /s/..%2fetc.txt",
                    "GET /s//a%20b.css",
                    "GET /s/a%20b.css%00",
                    "GET /s/a%2",
                    "GET /s/%ff")) {
                assertThat(ask(rig, other).body()).as(other).isEqualTo("machine");
            }
            assertThat(ask(rig, "GET /etc.txt").body()).isEqualTo("outside"); // by the place that is all
        }
        assertThat(open).hasValue(0);
    }

    @Test
    void clientsThatHaveIt_orWantAPart_getWhatTheyAskFor() {
        try (Rig rig = new Rig()) {
            publish(rig, HttpOptions.USUAL);
            String tag = "\"tag" + large.length + "\"";
            for (String has : List.of(
                    "If-None-Match: " + tag,
                    "If-None-Match: \"x\", W/" + tag,
                    "If-None-Match: *",
                    "If-Modified-Since: " + MODIFIED)) {
                Rig.RawClient.Reply reply = ask(rig, "GET /s/large.bin", has);
                assertThat(reply.status()).as(has).isEqualTo(304);
                assertThat(reply.header("etag")).isEqualTo(tag);
            }
            for (String hasNot : List.of(
                    "If-None-Match: \"x\"",
                    "If-Modified-Since: Tue, 03 Feb 2026 04:05:05 GMT",
                    "If-Modified-Since: soon",
                    "Range: bytes=1-2,4-5",
                    "Range: lines=1-2",
                    "Range: bytes=-",
                    "Range: bytes=9-1",
                    "Range: bytes=1-2\r\nIf-Range: \"x\"")) {
                assertThat(ask(rig, "GET /s/large.bin", hasNot).bytes())
                        .as(hasNot)
                        .isEqualTo(large);
            }
            part(rig, "bytes=0-0", 0, 1);
            part(rig, "bytes=1000000-2000000", 1_000_000, 1_000_001);
            part(rig, "bytes=3000000-", 3_000_000, large.length - 3_000_000);
            part(rig, "bytes=-10", large.length - 10, 10);
            part(rig, "bytes=-99999999999", 0, large.length);
            part(rig, "bytes=5-99999999999", 5, large.length - 5);
            for (String none : List.of("bytes=" + large.length + "-", "bytes=-0")) {
                Rig.RawClient.Reply reply = ask(rig, "GET /s/large.bin", "Range: " + none);
                assertThat(reply.status()).as(none).isEqualTo(416);
                assertThat(reply.header("content-range")).isEqualTo("bytes */" + large.length);
            }
        }
        assertThat(open).hasValue(0);
    }

    private void part(Rig rig, String range, int from, int length) {
        Rig.RawClient.Reply reply =
                ask(rig, "GET /s/large.bin", "Range: " + range, "If-Range: \"tag" + large.length + "\"");
        assertThat(reply.status()).as(range).isEqualTo(206);
        assertThat(reply.header("content-range"))
                .isEqualTo("bytes " + from + "-" + (from + length - 1) + "/" + large.length);
        assertThat(reply.bytes()).isEqualTo(java.util.Arrays.copyOfRange(large, from, from + length));
    }

    @Test
    void answers_areAsThePortSays() {
        try (Rig rig = new Rig()) {
            HttpOptions options = new HttpOptions(
                    false,
                    Map.of("Cache-Control", List.of("max-age=60"), "ETag", List.of(), "Content-Type", List.of("x/y")),
                    true,
                    Optional.empty(),
                    false,
                    Optional.empty(),
                    0);
            publish(rig, options);
            Rig.RawClient.Reply reply = ask(rig, "GET /s/docs/");
            assertThat(reply.header("cache-control")).isEqualTo("max-age=60");
            assertThat(reply.header("content-type")).isEqualTo("x/y");
            assertThat(reply.head())
                    .doesNotContain("etag")
                    .doesNotContain("via")
                    .doesNotContain("text/html");
        }
    }

    @Test
    void clientThatGoes_orDoesNotRead_costsNoMoreThanAPiece() throws Exception {
        try (Rig rig = new Rig()) {
            publish(rig, HttpOptions.USUAL);
            try (Rig.RawClient rawClient = rig.dial()) {
                rawClient.send("GET /s/large.bin HTTP/1.1\r\nHost: hello.localhost\r\n\r\n".repeat(20));
                Rig.eventually(() -> open.get() == 1, "it is open");
                Thread.sleep(200);
                assertThat(open).hasValue(1);
            }
            Rig.eventually(() -> open.get() == 0, "it is closed");
        }
    }

    @Test
    void diskThatFails_cutsTheAnswer_andWhereNothingWasSentAMachineIsAsked() {
        try (Rig rig = new Rig();
                RawBackend backend = RawBackend.saying("machine")) {
            publish(rig, HttpOptions.USUAL, Rig.running(Rig.ONE, backend.port()));
            breakAt = 1 << 20;
            Rig.RawClient.Reply cut = ask(rig, "GET /s/large.bin");
            assertThat(cut.whole()).isFalse();
            Statics broken = new Statics(List.of(new Statics.Place("/", "/", "")), path -> {
                throw new IOException("no image");
            });
            rig.edge.publish(new Catalog(Map.of(
                    "hello",
                    new CatalogApp(
                            "hello", List.of(Rig.running(Rig.ONE, backend.port())), HttpOptions.USUAL, broken))));
            assertThat(ask(rig, "GET /s/large.bin").body()).isEqualTo("machine");
        }
        assertThat(open).hasValue(0);
    }

    @Test
    void timesThatNoDateOfHttpHolds_areBrought_withinThoseThatItDoes() {
        for (Instant time : List.of(Instant.MIN, Instant.MAX)) {
            Statics.Content odd = new Statics.Content() {
                @Override
                public long size() {
                    return 0;
                }

                @Override
                public Instant modified() {
                    return time;
                }

                @Override
                public String tag() {
                    return "t";
                }

                @Override
                public int read(ByteBuffer into, long at) throws IOException {
                    throw new java.io.EOFException();
                }

                @Override
                public void close() {}
            };
            assertThat(ConditionalResponse.evaluate(ConditionalResponse.Asked.PLAIN, "/x", odd)
                            .lines())
                    .containsPattern("last-modified: (Thu, 01 Jan 1970|Fri, 31 Dec 9999) ");
        }
    }

    @Test
    void places_theLongestPrefixGoesFirst_andAPrefixEndsAtASlash() {
        Statics statics = new Statics(
                List.of(
                        new Statics.Place("/", "/public/", ""),
                        new Statics.Place("/static", "/srv/static/", "i.html"),
                        new Statics.Place("/static/deep", "/deep", "")),
                path -> Optional.empty());
        assertThat(statics.candidates("/static/deep/x?y"))
                .containsExactly("/deep/x", "/srv/static/deep/x", "/public/static/deep/x");
        assertThat(statics.candidates("/staticx/y")).containsExactly("/public/staticx/y");
        assertThat(statics.candidates("/static/")).containsExactly("/srv/static/i.html");
        assertThat(statics.candidates("/")).isEmpty();
        assertThat(statics.candidates("*")).isEmpty();
        assertThat(statics.candidates("/%C3%BC..x/...")).containsExactly("/public/\u00fc..x/...");
        assertThat(MediaType.of("/a.b/C.HTML")).isEqualTo("text/html; charset=utf-8");
        assertThat(MediaType.of("/a.css/b")).isEqualTo("application/octet-stream");
    }
}
