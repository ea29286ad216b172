package org.allod.edge;

import static org.allod.edge.Rig.ONE;
import static org.allod.edge.Rig.running;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever two parsers could read differently is refused and never reaches a machine. */
class SmugglingTest {
    static Stream<Arguments> refused() {
        String host = "Host: hello.localhost\r\n";
        return Stream.of(
                Arguments.of(
                        400,
                        "both lengths",
                        "POST / HTTP/1.1\r\n" + host
                                + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
                Arguments.of(
                        400,
                        "two lengths",
                        "POST / HTTP/1.1\r\n" + host + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
                Arguments.of(
                        400, "a list of lengths", "POST / HTTP/1.1\r\n" + host + "Content-Length: 5, 5\r\n\r\nhello"),
                Arguments.of(400, "signed length", "POST / HTTP/1.1\r\n" + host + "Content-Length: +5\r\n\r\nhello"),
                Arguments.of(400, "negative length", "POST / HTTP/1.1\r\n" + host + "Content-Length: -5\r\n\r\nhello"),
                Arguments.of(400, "empty length", "POST / HTTP/1.1\r\n" + host + "Content-Length:\r\n\r\nhello"),
                Arguments.of(
                        400,
                        "length beyond a long",
                        "POST / HTTP/1.1\r\n" + host + "Content-Length: 99999999999999999999\r\n\r\n"),
                Arguments.of(501, "other coding", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\n\r\n"),
                Arguments.of(
                        501,
                        "chunked twice",
                        "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
                Arguments.of(
                        400,
                        "two codings",
                        "POST / HTTP/1.1\r\n" + host
                                + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
                Arguments.of(
                        501,
                        "quoted coding",
                        "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"),
                Arguments.of(
                        400,
                        "coding in HTTP/1.0",
                        "POST / HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
                Arguments.of(
                        400, "space before colon", "POST / HTTP/1.1\r\n" + host + "Content-Length : 5\r\n\r\nhello"),
                Arguments.of(400, "folded line", "GET / HTTP/1.1\r\n" + host + "X: a\r\n b\r\n\r\n"),
                Arguments.of(400, "folded first line", "GET / HTTP/1.1\r\n X: a\r\n" + host + "\r\n"),
                Arguments.of(400, "bare LF", "GET / HTTP/1.1\n" + host + "\r\n"),
                Arguments.of(400, "bare LF at the end", "GET / HTTP/1.1\r\nHost: hello.localhost\n\n"),
                Arguments.of(400, "bare CR behind the version", "GET / HTTP/1.1\rX" + host + "\r\n"),
                Arguments.of(400, "CR CR behind the version", "GET / HTTP/1.1\r\r\n" + host + "\r\n"),
                Arguments.of(400, "bare CR in a value", "GET / HTTP/1.1\r\n" + host + "X: a\rb\r\n\r\n"),
                Arguments.of(400, "NUL in a value", "GET / HTTP/1.1\r\n" + host + "X: a\0b\r\n\r\n"),
                Arguments.of(400, "NUL in a name", "GET / HTTP/1.1\r\n" + host + "X\0: a\r\n\r\n"),
                Arguments.of(400, "no name", "GET / HTTP/1.1\r\n" + host + ": a\r\n\r\n"),
                Arguments.of(400, "no colon", "GET / HTTP/1.1\r\n" + host + "Xa\r\n\r\n"),
                Arguments.of(400, "two hosts", "GET / HTTP/1.1\r\n" + host + "Host: other.localhost\r\n\r\n"),
                Arguments.of(400, "same host twice", "GET / HTTP/1.1\r\n" + host + host + "\r\n"),
                Arguments.of(400, "no host", "GET / HTTP/1.1\r\n\r\n"),
                Arguments.of(400, "host with a path", "GET / HTTP/1.1\r\nHost: hello.localhost/x\r\n\r\n"),
                Arguments.of(400, "host with a user", "GET / HTTP/1.1\r\nHost: a@hello.localhost\r\n\r\n"),
                Arguments.of(400, "empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n"),
                Arguments.of(
                        400, "target names another host", "GET http://other.localhost/ HTTP/1.1\r\n" + host + "\r\n"),
                Arguments.of(400, "target is no path", "GET hello HTTP/1.1\r\n" + host + "\r\n"),
                Arguments.of(400, "space in target", "GET /a b HTTP/1.1\r\n" + host + "\r\n"),
                Arguments.of(400, "tab before target", "GET\t/ HTTP/1.1\r\n" + host + "\r\n"),
                Arguments.of(400, "byte above ASCII in target", "GET /\u00e4 HTTP/1.1\r\n" + host + "\r\n"),
                Arguments.of(400, "no version", "GET /\r\n" + host + "\r\n"),
                Arguments.of(400, "lower-case version", "GET / http/1.1\r\n" + host + "\r\n"),
                Arguments.of(505, "other version", "GET / HTTP/1.2\r\n" + host + "\r\n"),
                Arguments.of(505, "HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
                Arguments.of(501, "CONNECT", "CONNECT hello.localhost:80 HTTP/1.1\r\n" + host + "\r\n"),
                Arguments.of(400, "TLS", "\u0016\u0003\u0001\u0000\u00a5\u0001"),
                Arguments.of(400, "Connection names Host", "GET / HTTP/1.1\r\n" + host + "Connection: host\r\n\r\n"),
                Arguments.of(
                        400,
                        "Connection names Content-Length",
                        "POST / HTTP/1.1\r\n" + host
                                + "Connection: close, content-length\r\nContent-Length: 5\r\n\r\nhello"),
                Arguments.of(431, "long head", "GET / HTTP/1.1\r\n" + host + "X: " + "a".repeat(40_000) + "\r\n\r\n"),
                Arguments.of(414, "long target", "GET /" + "a".repeat(40_000) + " HTTP/1.1\r\n" + host + "\r\n"),
                Arguments.of(431, "many fields", "GET / HTTP/1.1\r\n" + host + "X: a\r\n".repeat(101) + "\r\n"));
    }

    @ParameterizedTest(name = "{1}")
    @MethodSource("refused")
    void request_thatCouldMeanTwoThings_isRefusedAndClosed(int status, String what, String request) {
        try (RawBackend backend = RawBackend.echo();
                Rig rig = new Rig().publish("hello", running(ONE, backend.port()));
                Rig.RawClient rawClient = rig.dial()) {
            Rig.RawClient.Reply reply = rawClient.send(request).reply();
            assertThat(reply.status()).as(reply.body()).isEqualTo(status);
            assertThat(reply.header("connection")).isEqualTo("close");
            assertThat(rawClient.closed(Duration.ofSeconds(5))).isTrue();
            assertThat(backend.heads).isEmpty();
        }
    }

    static Stream<String> badChunks() {
        return Stream.of(
                "g\r\nhello\r\n0\r\n\r\n",
                "-5\r\nhello\r\n0\r\n\r\n",
                "0x5\r\nhello\r\n0\r\n\r\n",
                " 5\r\nhello\r\n0\r\n\r\n",
                "5 \r\nhello\r\n0\r\n\r\n",
                "\r\n\r\n",
                "5\nhello\r\n0\r\n\r\n",
                "5\r\nhello0\r\n\r\n",
                "5\r\nhello\n0\r\n\r\n",
                "5\r\nhelloo\r\n0\r\n\r\n",
                "5;a\nb\r\nhello\r\n0\r\n\r\n",
                "5;" + "a".repeat(300) + "\r\nhello\r\n0\r\n\r\n",
                "1234567890abcdef\r\n",
                "0\r\nContent-Length: 5\r\n\r\n",
                "0\r\nHost: other.localhost\r\n\r\n",
                "0\r\nTransfer_Encoding: chunked\r\n\r\n",
                "0\r\nX : a\r\n\r\n",
                "0\r\nX: a\n\r\n",
                "0\r\nX: " + "a".repeat(9000) + "\r\n\r\n");
    }

    @ParameterizedTest
    @MethodSource("badChunks")
    void body_withWrongChunks_endsTheConnectionBeforeAnythingBehindIt(String chunks) {
        try (RawBackend backend = RawBackend.echo();
                Rig rig = new Rig().publish("hello", running(ONE, backend.port()));
                Rig.RawClient rawClient = rig.dial()) {
            rawClient.send("POST /first HTTP/1.1\r\nHost: hello.localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + chunks + "GET /smuggled HTTP/1.1\r\nHost: hello.localhost\r\n\r\n");
            assertThat(rawClient.closed(Duration.ofSeconds(5))).isTrue();
            assertThat(backend.heads).noneMatch(head -> head.startsWith("GET /smuggled"));
        }
    }

    /** An error of the edge's own would be read as the next bytes of the machine's answer. */
    @ParameterizedTest
    @ValueSource(strings = {"Content-Length: 1000\r\n\r\nbegun", "Transfer-Encoding: chunked\r\n\r\n5\r\nbegun\r\n"})
    void wrongChunk_whileTheMachineAnswers_cutsTheAnswerAndAddsNothingToIt(String answer) {
        try (RawBackend backend = new RawBackend(conn -> {
                    conn.head();
                    conn.write("HTTP/1.1 200 OK\r\n" + answer);
                    conn.in.readAllBytes();
                });
                Rig rig = new Rig().publish("hello", running(ONE, backend.port()));
                Rig.RawClient rawClient = rig.dial()) {
            rawClient.send(
                    "POST / HTTP/1.1\r\nHost: hello.localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
            assertThat(rawClient.head()).startsWith("HTTP/1.1 200 OK\r\n");
            String framed = answer.substring(answer.indexOf("\r\n\r\n") + 4);
            assertThat(rawClient.read(framed.length())).isEqualTo(framed);
            rawClient.send("no chunk\r\n");
            assertThat(rawClient.read()).as("a byte behind the cut").isEqualTo(-1);
        }
    }

    @Test
    void fields_thatAreNotForTheMachine_areDropped() {
        try (RawBackend backend = RawBackend.echo();
                Rig rig = new Rig().publish("hello", running(ONE, backend.port()));
                Rig.RawClient rawClient = rig.dial()) {
            String seen = rawClient
                    .send("GET / HTTP/1.1\r\nHost: hello.localhost\r\nConnection: keep-alive, X-Private\r\n"
                            + "X-Private: 1\r\nKeep-Alive: 5\r\nProxy-Connection: keep-alive\r\nTE: trailers\r\n"
                            + "Proxy-Authorization: Basic eA==\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n"
                            + "Forwarded: for=1.2.3.4\r\nX-Forwarded-For: 1.2.3.4\r\nx-forwarded-for: 5.6.7.8\r\n"
                            + "X_Forwarded_For: 9.9.9.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\n"
                            + "X-Real-IP: 9.9.9.9\r\nFly-Client-IP: 9.9.9.9\r\nFly_Client-IP: 9.9.9.9\r\n"
                            + "Fly-Region: mars\r\nFly-Forwarded-Port: 1\r\nFly-Request-Id: mine\r\n"
                            + "Content_Length: 7\r\nX-Kept: yes\r\n\r\n")
                    .reply()
                    .body();
            assertThat(seen.toLowerCase(java.util.Locale.ROOT))
                    .contains("x-kept: yes\r\n")
                    .contains("x-forwarded-for: 1.2.3.4, 5.6.7.8, 127.0.0.1\r\n")
                    .contains("fly-client-ip: 127.0.0.1\r\n")
                    .contains("x-forwarded-proto: http\r\n")
                    .doesNotContain("x-private", "keep-alive", "proxy-", "\r\nte:", "upgrade", "http2-settings")
                    .doesNotContain(
                            "\r\nforwarded:", "x_forwarded", "evil", "9.9.9.9", "mars", "mine", "content_length");
        }
    }

    @Test
    void target_withItsOwnHost_isForwardedAsAPath() {
        try (RawBackend backend = RawBackend.echo();
                Rig rig = new Rig().publish("hello", running(ONE, backend.port()));
                Rig.RawClient rawClient = rig.dial()) {
            assertThat(rawClient
                            .send("GET http://hello.localhost/a?b HTTP/1.1\r\nHost: HELLO.localhost\r\n\r\n")
                            .reply()
                            .body())
                    .startsWith("GET /a?b HTTP/1.1\r\nHost: HELLO.localhost\r\n");
            assertThat(rawClient
                            .send("OPTIONS * HTTP/1.1\r\nHost: hello.localhost\r\n\r\n")
                            .reply()
                            .body())
                    .startsWith("OPTIONS * HTTP/1.1\r\n");
        }
    }

    static Stream<String> badAnswers() {
        return Stream.of(
                "rubbish\r\n\r\n",
                "HTTP/2.0 200 OK\r\n\r\n",
                "HTTP/1.1 20 OK\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
                "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
                "HTTP/1.1 200 OK\r\nX : y\r\nContent-Length: 0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nX: y\r\n z\r\nContent-Length: 0\r\n\r\n",
                "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
                "HTTP/1.1 199 Odd\r\nContent-Length: 5\r\n\r\nhello",
                "HTTP/1.1 103 Early\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nX: " + "a".repeat(40_000) + "\r\n\r\n",
                "HTTP/1.1 100 Continue\r\n\r\n".repeat(20));
    }

    @ParameterizedTest
    @MethodSource("badAnswers")
    void answer_thatIsNotHttp_becomesA502(String answer) {
        try (RawBackend backend = new RawBackend(conn -> {
                    conn.head();
                    conn.write(answer);
                    conn.in.read();
                });
                Rig rig = new Rig().publish("hello", running(ONE, backend.port()));
                Rig.RawClient rawClient = rig.dial()) {
            rawClient.send("GET / HTTP/1.1\r\nHost: hello.localhost\r\n\r\n");
            Rig.RawClient.Reply reply = rawClient.reply();
            while (reply.status() == 100) {
                reply = rawClient.reply();
            }
            assertThat(reply.status()).isEqualTo(502);
            assertThat(reply.header("allod-error")).isEqualTo("bad-answer");
            Rig.eventually(() -> backend.open.get() == 0, "the connection to the machine is closed");
        }
    }

    @Test
    void answer_nobodyAskedFor_isNotTheAnswerToTheNextRequest() throws Exception {
        try (RawBackend backend = new RawBackend(conn -> {
                    String head = conn.head();
                    conn.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
                            + "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
                    conn.in.read();
                });
                Rig rig = new Rig().publish("hello", running(ONE, backend.port()));
                Rig.RawClient rawClient = rig.dial()) {
            for (int i = 0; i < 5; i++) {
                assertThat(rawClient
                                .send("GET / HTTP/1.1\r\nHost: hello.localhost\r\n\r\n")
                                .reply()
                                .body())
                        .isEqualTo("ok");
            }
        }
    }
}
