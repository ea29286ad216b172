package org.allod.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.codec.http.HttpMethod;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.allod.base.FailedException;
import org.allod.base.IdGenerator;
import org.allod.base.RejectedException;
import org.allod.base.Rng;
import org.allod.base.VirtualTime;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The server with test endpoints, over raw sockets, so that invalid HTTP can be sent too. */
class ApiServerTest {
    @TempDir
    Path folder;

    private final VirtualTime time = new VirtualTime(Instant.parse("2026-01-01T00:00:00Z"));
    private final CompletableFuture<String> cut = new CompletableFuture<>();
    private OperatorToken token;
    private ApiServer server;
    private InetSocketAddress address;

    @BeforeEach
    void start() {
        token = OperatorToken.at(folder.resolve("token"));
        EndpointTable table = new EndpointTable(List.of(
                at(
                        HttpMethod.GET,
                        "/v1/things/{id}",
                        call -> Response.ok(MachineViews.JSON.objectNode().put("id", call.parameter("id")))),
                at(
                        HttpMethod.POST,
                        "/v1/things",
                        call -> Response.ok(call.body().json())),
                at(HttpMethod.GET, "/v1/refused", call -> {
                    throw RejectedException.because(RejectedException.Reason.CONFLICT, "no", "try later");
                }),
                at(HttpMethod.GET, "/v1/failed", call -> {
                    throw new FailedException("the disk is full");
                }),
                at(HttpMethod.GET, "/v1/strange", call -> {
                    throw new IllegalStateException("a secret detail");
                }),
                at(
                        HttpMethod.GET,
                        "/v1/lines",
                        call -> new Response.Lines(sink -> {
                            for (int i = 0; i < 3; i++) {
                                sink.line(MachineViews.JSON.objectNode().put("n", i));
                            }
                            throw RejectedException.notFound("the fourth");
                        })),
                at(
                        HttpMethod.GET,
                        "/v1/long",
                        call -> new Response.Items(
                                5_000,
                                (from, to) -> IntStream.range(from, to)
                                        .mapToObj(i -> ("" + i).getBytes(StandardCharsets.UTF_8))
                                        .toList())),
                at(
                        HttpMethod.POST,
                        "/v1/endless",
                        call -> new Response.Upgrade(
                                "endless/1",
                                (in, out) -> {
                                    try {
                                        while (true) {
                                            out.write(new byte[1 << 16]);
                                        }
                                    } catch (IOException e) {
                                        cut.complete(e.getMessage());
                                    }
                                },
                                Duration.ofMillis(200))),
                at(
                        HttpMethod.POST,
                        "/v1/echo",
                        call -> new Response.Upgrade("echo/1", (in, out) -> {
                            byte[] four = in.readNBytes(4);
                            out.write(four);
                            out.flush();
                        })),
                new Endpoint(
                        HttpMethod.GET,
                        "/v1/local",
                        "Local",
                        "",
                        List.of(),
                        Endpoint.Access.LOCAL,
                        call -> Response.ok(MachineViews.JSON
                                .objectNode()
                                .put("caller", call.caller().name())))));
        server = new ApiServer(
                table,
                token,
                new RateLimits(
                        time,
                        new RateLimits.Paces(
                                Optional.of(new RateLimits.Pace(10, 20)),
                                Optional.empty(),
                                Optional.empty(),
                                Optional.empty())),
                new IdGenerator(time, Rng.seeded(1)),
                ApiConfig.usual(),
                time,
                Rng.seeded(1));
        address = server.listen(new InetSocketAddress("127.0.0.1", 0));
        server.listen(folder.resolve("api.sock"));
    }

    private static Endpoint at(HttpMethod method, String template, Endpoint.Handler handler) {
        return new Endpoint(method, template, template, "", List.of("colour"), Endpoint.Access.TOKEN, handler);
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private String send(String request) throws IOException {
        try (Socket socket = new Socket(address.getAddress(), address.getPort())) {
            socket.setSoTimeout(10_000);
            socket.getOutputStream().write(request.getBytes(StandardCharsets.UTF_8));
            socket.getOutputStream().flush();
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private String ask(String method, String path, String body) throws IOException {
        return send(method + " " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer "
                + token.reveal() + "\r\nContent-Length: " + body.length() + "\r\n\r\n" + body);
    }

    @Test
    void endpoint_withAParameter_isFound() throws IOException {
        assertThat(ask("GET", "/v1/things/a%20b", ""))
                .startsWith("HTTP/1.1 200")
                .endsWith("{\"id\":\"a b\"}");
    }

    @Test
    void pathsAndMethods_nobodyServes_areSaidSo() throws IOException {
        assertThat(ask("GET", "/v1/nothing", ""))
                .startsWith("HTTP/1.1 404")
                .contains("there is nothing at /v1/nothing");
        assertThat(ask("DELETE", "/v1/things", "")).startsWith("HTTP/1.1 405").contains("allowed are POST");
        assertThat(ask("GET", "/v1/things/", "")).startsWith("HTTP/1.1 404");
        assertThat(ask("GET", "/v1/things/x?size=1", ""))
                .startsWith("HTTP/1.1 400")
                .contains("unknown query parameter size: allowed are colour");
    }

    @Test
    void errors_haveTheBodyOfTheInterface_andNoStackTrace() throws IOException {
        assertThat(ask("GET", "/v1/refused", ""))
                .startsWith("HTTP/1.1 409")
                .endsWith("{\"error\":\"no\",\"status\":\"unknown\",\"details\":{},\"hint\":\"try later\"}");
        assertThat(ask("GET", "/v1/failed", "")).startsWith("HTTP/1.1 500").contains("the disk is full");
        assertThat(ask("GET", "/v1/strange", ""))
                .startsWith("HTTP/1.1 500")
                .doesNotContain("a secret detail")
                .doesNotContain("\tat ");
    }

    @Test
    void body_notJson_saysWhere() throws IOException {
        assertThat(ask("POST", "/v1/things", "{\"a\":\n  oops}"))
                .startsWith("HTTP/1.1 400")
                .contains("the body is not JSON")
                .contains("line 2");
        assertThat(ask("POST", "/v1/things", "{\"a\":1,\"a\":2}")).startsWith("HTTP/1.1 400");
        assertThat(ask("POST", "/v1/things", "[]")).contains("the body is []: it must be an object");
        assertThat(ask("POST", "/v1/things", "{} {}")).startsWith("HTTP/1.1 400");
        assertThat(ask("POST", "/v1/things", "[".repeat(5_000))).startsWith("HTTP/1.1 400");
        assertThat(ask("POST", "/v1/things", "[" + "[],".repeat(300_000) + "1]"))
                .startsWith("HTTP/1.1 400")
                .contains("the body exceeds a limit of the parser");
    }

    @Test
    void body_tooLarge_isRefused_asEverythingIs() throws IOException {
        String head = "POST /v1/things HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token.reveal()
                + "\r\nConnection: close\r\n";
        String said =
                "{\"error\":\"the body is too large: at most 4194304 bytes are accepted\",\"status\":\"unknown\",";
        assertThat(send(head + "Content-Length: 5000000\r\n\r\n"))
                .startsWith("HTTP/1.1 413")
                .contains("content-type: application/json", "fly-request-id: ", said);
        assertThat(send(head + "Content-Length: 5000000\r\nExpect: 100-continue\r\n\r\n"))
                .startsWith("HTTP/1.1 413")
                .contains("fly-request-id: ", said);
        assertThat(send(head + "Content-Length: 2\r\nExpect: wonders\r\n\r\n"))
                .startsWith("HTTP/1.1 417")
                .contains("the expectation is not supported: only 100-continue is");
    }

    /** Its body is read and dropped, and the connection is good for the next one. */
    @Test
    void body_tooLarge_leavesTheConnectionUsable() throws IOException {
        String who = "Host: x\r\nAuthorization: Bearer " + token.reveal() + "\r\n";
        String large = "POST /v1/things HTTP/1.1\r\n" + who + "Content-Length: 5000000\r\n\r\n" + "x".repeat(5_000_000);
        String next = "GET /v1/things/a HTTP/1.1\r\n" + who + "Connection: close\r\n\r\n";
        assertThat(send(large + next))
                .startsWith("HTTP/1.1 413")
                .contains("HTTP/1.1 200")
                .endsWith("{\"id\":\"a\"}");
    }

    @Test
    void head_isAnsweredAsGet_withoutTheBody() throws IOException {
        assertThat(ask("HEAD", "/v1/things/abc", ""))
                .startsWith("HTTP/1.1 200")
                .contains("content-length: 12\r\n", "content-type: application/json")
                .endsWith("\r\n\r\n");
        assertThat(ask("HEAD", "/v1/refused", "")).startsWith("HTTP/1.1 409").endsWith("\r\n\r\n");
        for (String stream : List.of("/v1/long", "/v1/lines")) {
            assertThat(ask("HEAD", stream, ""))
                    .startsWith("HTTP/1.1 200")
                    .contains("fly-request-id: ")
                    .doesNotContain("content-length")
                    .endsWith("\r\n\r\n");
        }
    }

    @Test
    void wrongMethod_saysWhichAreAllowed() throws IOException {
        assertThat(ask("PATCH", "/v1/things/a", ""))
                .startsWith("HTTP/1.1 405")
                .contains("allow: GET, HEAD\r\n", "allowed are GET, HEAD");
        assertThat(ask("HEAD", "/v1/things", "")).startsWith("HTTP/1.1 405").contains("allow: POST\r\n");
    }

    @Test
    void path_isDecodedPartByPart() throws IOException {
        assertThat(ask("GET", "/v1/things/a%2Fb", ""))
                .startsWith("HTTP/1.1 200")
                .endsWith("{\"id\":\"a/b\"}");
        assertThat(ask("GET", "/v1/things/a+b%2B", "")).endsWith("{\"id\":\"a+b+\"}");
        assertThat(ask("GET", "/v1/th%69ngs/x", "")).startsWith("HTTP/1.1 200");
        assertThat(ask("GET", "/v1/things%2Fx", "")).startsWith("HTTP/1.1 404");
        assertThat(ask("GET", "http://host:1/v1/things/x?colour=red", "")).startsWith("HTTP/1.1 200");
        assertThat(ask("GET", "*", "")).startsWith("HTTP/1.1 404");
    }

    /** Said, not hung up on; and in its turn. */
    @Test
    void address_wronglyEncoded_isRefusedInItsTurn() throws IOException {
        for (String address : List.of("/v1/things/%zz", "/v1/things/%2", "/v1/things/a?colour=%q1")) {
            assertThat(ask("GET", address, ""))
                    .startsWith("HTTP/1.1 400")
                    .contains("the request target is not percent-encoded correctly", "fly-request-id: ");
        }
        String who = " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token.reveal() + "\r\n";
        String answers = send("GET /v1/things/1" + who + "\r\nGET /v1/things/%zz" + who + "\r\nGET /v1/things/2" + who
                + "Connection: close\r\n\r\n");
        assertThat(answers.indexOf("\"id\":\"1\"")).isPositive();
        assertThat(answers.indexOf("HTTP/1.1 400")).isGreaterThan(answers.indexOf("\"id\":\"1\""));
        assertThat(answers.indexOf("\"id\":\"2\"")).isGreaterThan(answers.indexOf("HTTP/1.1 400"));
    }

    @Test
    void head_tooLong_isToldApartFromNonsense() throws IOException {
        assertThat(ask("GET", "/v1/things/" + "a".repeat(5_000), "")).startsWith("HTTP/1.1 414");
        assertThat(send("GET /v1/things/a HTTP/1.1\r\nX: " + "a".repeat(20_000) + "\r\n\r\n"))
                .startsWith("HTTP/1.1 431");
    }

    @Test
    void body_compressed_isRefusedByName() throws IOException {
        assertThat(send("POST /v1/things HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Encoding: gzip\r\n"
                        + "Content-Length: 2\r\nAuthorization: Bearer " + token.reveal() + "\r\n\r\n{}"))
                .startsWith("HTTP/1.1 415")
                .contains("content-encoding is \\\"gzip\\\"");
    }

    @Test
    void body_null_isAnEmptyOne() throws IOException {
        assertThat(ask("POST", "/v1/things", "null")).startsWith("HTTP/1.1 200").endsWith("{}");
    }

    @Test
    void notHttp_isRefusedAndClosed() throws IOException {
        assertThat(send("hello\r\n\r\n")).startsWith("HTTP/1.1 400");
    }

    @Test
    void token_wrongOrMissing_isRefused() throws IOException {
        assertThat(send("GET /v1/things/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
                .startsWith("HTTP/1.1 401")
                .contains("www-authenticate: Bearer");
        assertThat(send("GET /v1/things/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: FlyV1 zz,"
                        + token.reveal() + "\r\n\r\n"))
                .startsWith("HTTP/1.1 200");
        assertThat(Files.getPosixFilePermissions(folder.resolve("token"))).hasSize(2);
        assertThat(OperatorToken.at(folder.resolve("token")).reveal()).isEqualTo(token.reveal());
        assertThat(token.toString()).doesNotContain(token.reveal());
    }

    @Test
    void caller_tooFast_isToldToWait() throws IOException {
        for (int i = 0; i < 20; i++) {
            assertThat(ask("GET", "/v1/things/a", "")).startsWith("HTTP/1.1 200");
        }
        assertThat(ask("GET", "/v1/things/a", "")).startsWith("HTTP/1.1 429").contains("retry-after: 1");
        time.advance(java.time.Duration.ofSeconds(1));
        assertThat(ask("GET", "/v1/things/a", "")).startsWith("HTTP/1.1 200");
    }

    @Test
    void lines_failingHalfway_endWithTheError() throws IOException {
        assertThat(ask("GET", "/v1/lines", ""))
                .startsWith("HTTP/1.1 200")
                .contains("{\"n\":0}\n")
                .contains("{\"n\":2}\n")
                .contains("{\"error\":\"the fourth\",\"status\":\"unknown\",\"details\":{},\"http\":404}\n");
    }

    /** Long ones are sent in pieces; each names its request as every answer does. */
    @Test
    void answersInPieces_areWhole_andNameTheirRequest() throws IOException {
        String list = ask("GET", "/v1/long", "");
        assertThat(list).contains("HTTP/1.1 200", "transfer-encoding: chunked", "fly-request-id: ");
        String items = list.substring(list.indexOf("["))
                .replaceAll("\r\n[0-9a-f]*\r\n", "")
                .strip();
        assertThat(items).startsWith("[0,1,2,").contains(",1999,2000,").endsWith(",4999]");
        assertThat(items.chars().filter(c -> c == ',').count()).isEqualTo(4_999);
        assertThat(ask("GET", "/v1/lines", "")).contains("fly-request-id: ");
    }

    @Test
    void upgrade_clientThatNeverReads_isCutOff() throws Exception {
        try (Socket socket = new Socket(address.getAddress(), address.getPort())) {
            socket.getOutputStream()
                    .write(("POST /v1/endless HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: endless/1\r\n"
                                    + "Content-Length: 0\r\nAuthorization: Bearer " + token.reveal() + "\r\n\r\n")
                            .getBytes(StandardCharsets.UTF_8));
            assertThat(cut.get(30, TimeUnit.SECONDS)).isEqualTo("the client has read nothing for 0 s");
        }
    }

    @Test
    void upgrade_carriesBytesBothWays() throws IOException {
        try (Socket socket = new Socket(address.getAddress(), address.getPort())) {
            socket.setSoTimeout(10_000);
            // The first bytes of the new protocol come with the request, as a quick client sends them.
            socket.getOutputStream()
                    .write(("POST /v1/echo HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n"
                                    + "Content-Length: 0\r\nAuthorization: Bearer " + token.reveal() + "\r\n\r\nab")
                            .getBytes(StandardCharsets.UTF_8));
            socket.getOutputStream().flush();
            DataInputStream in = new DataInputStream(socket.getInputStream());
            StringBuilder head = new StringBuilder();
            while (!head.toString().endsWith("\r\n\r\n")) {
                head.append((char) in.readUnsignedByte());
            }
            assertThat(head.toString()).startsWith("HTTP/1.1 101");
            socket.getOutputStream().write("cd".getBytes(StandardCharsets.UTF_8));
            assertThat(new String(in.readAllBytes(), StandardCharsets.UTF_8)).isEqualTo("abcd");
        }
    }

    @Test
    void local_overTheUnixSocketOnly() throws IOException {
        assertThat(ask("GET", "/v1/local", "")).startsWith("HTTP/1.1 403").contains("Unix socket only");
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(folder.resolve("api.sock")));
            channel.write(ByteBuffer.wrap(
                    "GET /v1/local HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".getBytes(StandardCharsets.UTF_8)));
            ByteBuffer answer = ByteBuffer.allocate(4_096);
            while (channel.read(answer) >= 0) {
                // Until the server closes.
            }
            String text = new String(answer.array(), 0, answer.position(), StandardCharsets.UTF_8);
            assertThat(text).startsWith("HTTP/1.1 200").contains("\"caller\":\"uid 0\"");
        }
        assertThat(Files.getPosixFilePermissions(folder.resolve("api.sock"))).hasSize(2);
    }

    @Test
    void pipelinedRequests_areAnsweredInOrder() throws IOException {
        String one = "GET /v1/things/1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token.reveal() + "\r\n\r\n";
        String two = "GET /v1/things/2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer "
                + token.reveal() + "\r\n\r\n";
        String answers = send(one + two);
        assertThat(answers.indexOf("\"id\":\"1\"")).isPositive();
        assertThat(answers.indexOf("\"id\":\"2\"")).isGreaterThan(answers.indexOf("\"id\":\"1\""));
    }
}
