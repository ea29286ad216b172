package org.allod.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.codec.http.HttpMethod;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.allod.base.IdGenerator;
import org.allod.base.Rng;
import org.allod.base.VirtualTime;
import org.allod.trust.AppTokens;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How the server treats many, slow and non-reading clients, while the Unix socket answers as always. */
class ApiFloodTest {
    private static final int MEBI = 1 << 20;
    private static final String PAGE = "x".repeat(MEBI);

    @TempDir
    Path folder;

    private final VirtualTime time = new VirtualTime(Instant.parse("2026-01-01T00:00:00Z"));
    private final AtomicInteger pages = new AtomicInteger();
    private final AtomicInteger waiting = new AtomicInteger();
    private final CountDownLatch waited = new CountDownLatch(1);
    private final CountDownLatch left = new CountDownLatch(1);
    private final CountDownLatch upgraded = new CountDownLatch(1);
    private final List<Socket> sockets = new ArrayList<>();
    private ApiServer server;
    private InetSocketAddress address;

    @BeforeEach
    void start() {
        EndpointTable table = new EndpointTable(List.of(
                at(
                        HttpMethod.POST,
                        "/v1/things",
                        request -> Response.ok(MachineViews.JSON
                                .objectNode()
                                .put("caller", request.caller().name())
                                .put("length", request.bytes().length))),
                at(
                        HttpMethod.GET,
                        "/v1/things/{id}",
                        request -> Response.ok(MachineViews.JSON.objectNode().put("id", request.parameter("id")))),
                at(HttpMethod.GET, "/v1/wait", request -> {
                    waiting.incrementAndGet();
                    waited.await();
                    return new Response.Empty(204);
                }),
                at(HttpMethod.GET, "/v1/upgrade", request -> {
                    waiting.incrementAndGet();
                    // Like work that goes on though its client has gone.
                    boolean interrupted = false;
                    while (waited.getCount() > 0) {
                        try {
                            waited.await();
                        } catch (InterruptedException e) {
                            interrupted = true;
                            left.countDown();
                        }
                    }
                    assertThat(interrupted).isTrue();
                    return new Response.Upgrade("test/1", (in, out) -> upgraded.countDown());
                }),
                at(HttpMethod.GET, "/v1/page", request -> {
                    pages.incrementAndGet();
                    return new Response.Text(200, "text/plain", PAGE);
                })));
        ApiConfig.Pool usual = ApiConfig.usual().tcp();
        // A token here is the name of its app.
        Authenticator authenticator = (authorization, from) -> Authenticator.tokens(authorization).stream()
                .findFirst()
                .map(app -> new Caller.OfApp(
                        new AppTokens.Token("of " + app, app, AppTokens.Scope.APP, "", Instant.EPOCH, Instant.MAX),
                        from));
        server = new ApiServer(
                table,
                authenticator,
                new RateLimits(time, RateLimits.Paces.OFF),
                new IdGenerator(time, Rng.seeded(1)),
                ApiConfig.usual()
                        .with(new ApiConfig.Pool(
                                400,
                                350,
                                100,
                                usual.bodyBytes(),
                                usual.bodyBytesPerCaller(),
                                usual.answerBytes(),
                                usual.answerBytesPerCaller())),
                time,
                Rng.seeded(1));
        address = server.listen(new InetSocketAddress("127.0.0.1", 0));
        server.listen(folder.resolve("api.sock"));
    }

    private static Endpoint at(HttpMethod method, String template, Endpoint.Handler handler) {
        // Of a table that knows no apps: what anybody with a token may call.
        return new Endpoint(method, template, template, "", List.of(), Endpoint.Access.SHARED, handler);
    }

    @AfterEach
    void stop() throws IOException {
        waited.countDown();
        for (Socket socket : sockets) {
            socket.close();
        }
        server.close();
    }

    private Socket dial() throws IOException {
        Socket socket = new Socket(address.getAddress(), address.getPort());
        socket.setSoTimeout(20_000);
        sockets.add(socket);
        return socket;
    }

    private static void send(Socket to, String text) throws IOException {
        to.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    private static String head(InputStream in) throws IOException {
        StringBuilder head = new StringBuilder();
        while (!head.toString().endsWith("\r\n\r\n")) {
            int b = in.read();
            if (b < 0) {
                return head.toString();
            }
            head.append((char) b);
        }
        return head.toString();
    }

    private static String all(Socket from) throws IOException {
        return new String(from.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
    }

    private static String post(String app, int length) {
        return "POST /v1/things HTTP/1.1\r\nHost: x\r\n"
                + (app.isEmpty() ? "" : "Authorization: Bearer " + app + "\r\n") + "Content-Length: " + length
                + "\r\n\r\n";
    }

    private static String get(String path) {
        return "GET " + path + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer shop\r\n\r\n";
    }

    private String local() throws IOException {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(folder.resolve("api.sock")));
            channel.write(ByteBuffer.wrap("GET /v1/things/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                    .getBytes(StandardCharsets.US_ASCII)));
            ByteBuffer answer = ByteBuffer.allocate(4_096);
            while (channel.read(answer) >= 0) {
                // Until the server closes.
            }
            return new String(answer.array(), 0, answer.position(), StandardCharsets.US_ASCII);
        }
    }

    private static void eventually(BooleanSupplier condition, String what) throws InterruptedException {
        for (int i = 0; i < 2_000 && !condition.getAsBoolean(); i++) {
            Thread.sleep(5);
        }
        assertThat(condition.getAsBoolean()).as(what).isTrue();
    }

    /** Each announces 4 MiB, sends half a MiB of it and waits: together that would be 150 MiB of half bodies. */
    @Test
    void halfBodies_withoutAToken_areRefusedOnTheHead_andNothingOfThemIsKept() throws Exception {
        byte[] half = new byte[MEBI / 2];
        for (int i = 0; i < 300; i++) {
            Socket socket = dial();
            send(socket, post("", 4 * MEBI));
            assertThat(head(socket.getInputStream())).startsWith("HTTP/1.1 401").contains("connection: close");
            assertThat(socket.getInputStream().read(new byte[4_096]))
                    .as("the answer's body")
                    .isPositive();
            try {
                socket.getOutputStream().write(half);
            } catch (IOException reset) {
                // It need not be read at all.
            }
            assertThat(server.stats().tcp().bodyBytes()).isZero();
        }
        assertThat(local()).startsWith("HTTP/1.1 200");
        assertThat(server.stats().tcp().unproven()).isEqualTo(300);
        time.advance(Duration.ofSeconds(2));
        eventually(() -> server.stats().tcp().open() == 0, "those who stay are cut");
    }

    @Test
    void expectation_withoutAToken_isAnsweredWithTheRefusal_notAskedToGoOn() throws Exception {
        Socket socket = dial();
        send(socket, post("", 100).replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n"));
        assertThat(all(socket)).startsWith("HTTP/1.1 401").doesNotContain("100 Continue");
        Socket known = dial();
        send(known, post("shop", 2).replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n"));
        assertThat(head(known.getInputStream())).startsWith("HTTP/1.1 100");
        send(known, "{}");
        assertThat(head(known.getInputStream())).startsWith("HTTP/1.1 200");
    }

    /** One app holds its share of memory and no more; another one, and the socket, find room beside it. */
    @Test
    void bodies_ofOneCaller_takeItsShareAlone() throws Exception {
        int taken = 0;
        int refused = 0;
        for (int i = 0; i < 20; i++) {
            Socket socket = dial();
            send(socket, post("shop", 4 * MEBI) + "half");
            if (i < 4) {
                long mebis = 4L * (i + 1);
                eventually(() -> server.stats().tcp().bodyBytes() == mebis * MEBI, "it is taken");
                taken++;
            } else {
                assertThat(head(socket.getInputStream()))
                        .startsWith("HTTP/1.1 429")
                        .contains("retry-after: 1");
                refused++;
            }
        }
        assertThat(taken).isEqualTo(4);
        assertThat(refused).isEqualTo(16);
        Socket other = dial();
        send(other, post("bank", 2) + "{}");
        assertThat(head(other.getInputStream())).startsWith("HTTP/1.1 200");
        assertThat(local()).startsWith("HTTP/1.1 200");
        for (Socket socket : sockets) {
            socket.close();
        }
        eventually(() -> server.stats().tcp().bodyBytes() == 0, "what is held is given back");
    }

    @Test
    void body_inChunks_takesMemoryAsItComes_andIsBoundedLikeAnyOther() throws Exception {
        Socket socket = dial();
        String head = post("shop", 0).replace("Content-Length: 0", "Transfer-Encoding: chunked");
        send(socket, head + "5\r\nhello\r\n");
        eventually(() -> server.stats().tcp().bodyBytes() == 64 << 10, "one step is taken");
        send(socket, "0\r\n\r\n");
        InputStream in = socket.getInputStream();
        assertThat(head(in)).startsWith("HTTP/1.1 200");
        in.readNBytes("{\"caller\":\"token of shop\",\"length\":5}".length());
        send(socket, head + (Integer.toHexString(5 * MEBI) + "\r\n") + "x".repeat(5 * MEBI) + "\r\n0\r\n\r\n");
        assertThat(head(in)).startsWith("HTTP/1.1 413");
        assertThat(server.stats().tcp().bodyBytes()).isZero();
    }

    /** Whoever leaves while the work goes on still counts for it, and once only. */
    @Test
    void upgradeWhoseClientHasGone_countsUntilItsWorkIsOver_andIsGivenBackOnce() throws Exception {
        Socket socket = dial();
        send(socket, get("/v1/upgrade"));
        eventually(() -> waiting.get() == 1, "it is at work");
        socket.close();
        assertThat(left.await(10, TimeUnit.SECONDS)).isTrue();
        Socket others = dial();
        send(others, get("/v1/things/a"));
        assertThat(head(others.getInputStream())).startsWith("HTTP/1.1 200");
        eventually(() -> server.stats().tcp().requestsAtWork() == 1, "it alone counts");
        waited.countDown();
        assertThat(upgraded.await(10, TimeUnit.SECONDS)).isTrue();
        eventually(() -> server.stats().tcp().requestsAtWork() == 0, "its place is free");
    }

    /** 150 answers of 1 MiB: as many are made as its client reads, and some that fit into what the kernel keeps. */
    @Test
    void pipeliner_thatNeverReads_isWaitedFor_andGetsAllInOrderOnceItDoes() throws Exception {
        Socket socket = dial();
        int asked = 150;
        send(socket, get("/v1/page").repeat(asked) + get("/v1/things/last"));
        for (int i = 0; i < 150; i++) {
            assertThat(local()).startsWith("HTTP/1.1 200");
            assertThat(pages.get()).as("answers made for nobody").isLessThan(50);
            // One that is nearly out, and the one behind it.
            assertThat(server.stats().tcp().answerBytes()).isLessThanOrEqualTo(2L * MEBI);
        }
        InputStream in = new BufferedInputStream(socket.getInputStream(), 1 << 16);
        for (int i = 0; i < asked; i++) {
            assertThat(pages.get() - i).as("answers ahead of the reader").isLessThan(50);
            assertThat(head(in)).startsWith("HTTP/1.1 200").contains("content-length: " + MEBI);
            in.skipNBytes(MEBI);
        }
        assertThat(head(in)).startsWith("HTTP/1.1 200");
        assertThat(new String(in.readNBytes(13), StandardCharsets.US_ASCII)).isEqualTo("{\"id\":\"last\"}");
        eventually(() -> server.stats().tcp().answerBytes() == 0, "all is read");
    }

    @Test
    void fiveHundredPipelinedRequests_areAnsweredInOrder() throws Exception {
        Socket socket = dial();
        StringBuilder requests = new StringBuilder();
        for (int i = 0; i < 500; i++) {
            requests.append(i % 7 == 3 ? get("/v1/nothing/" + i) : get("/v1/things/" + i));
        }
        send(socket, requests.toString());
        InputStream in = new BufferedInputStream(socket.getInputStream());
        for (int i = 0; i < 500; i++) {
            String head = head(in);
            assertThat(head).as("answer " + i).startsWith(i % 7 == 3 ? "HTTP/1.1 404" : "HTTP/1.1 200");
            int length = Integer.parseInt(head.replaceAll("(?s).*content-length: (\\d+).*", "$1"));
            assertThat(new String(in.readNBytes(length), StandardCharsets.US_ASCII))
                    .contains(i % 7 == 3 ? "/v1/nothing/" + i : "\"id\":\"" + i + "\"");
        }
    }

    /** Many that read nothing: what they may leave unread together is bounded, and they are told so or cut. */
    @Test
    void unreadAnswers_ofOneCaller_areBounded_andTheirReadersAreCutInTime() throws Exception {
        for (int i = 0; i < 60; i++) {
            send(dial(), get("/v1/page").repeat(20));
        }
        for (int i = 0; i < 20; i++) {
            assertThat(local()).startsWith("HTTP/1.1 200");
            assertThat(server.stats().tcp().answerBytes()).isLessThanOrEqualTo(24L * MEBI);
        }
        eventually(
                () -> {
                    time.advance(Duration.ofSeconds(30));
                    return server.stats().tcp().open() == 0;
                },
                "who reads nothing for a minute is cut");
        assertThat(server.stats().tcp().answerBytes()).isZero();
    }

    @Test
    void heads_andBodies_andSilence_haveTheirDeadlines() throws Exception {
        Socket silent = dial();
        Socket dripping = dial();
        send(dripping, "GET /v1/things/a HTTP/1.1\r\n");
        Socket stalled = dial();
        send(stalled, post("shop", 1_000_000) + "half");
        Socket steady = dial();
        send(steady, post("shop", 200_000) + "x".repeat(100_000));
        Socket idle = dial();
        send(idle, get("/v1/things/a"));
        assertThat(head(idle.getInputStream())).startsWith("HTTP/1.1 200");
        idle.getInputStream().readNBytes(10);
        eventually(() -> server.stats().tcp().bodyBytes() == 1_200_000, "both bodies have begun");
        // A byte now and then makes no head younger.
        for (int i = 0; i < 6; i++) {
            time.advance(Duration.ofSeconds(2));
            try {
                send(dripping, "X: y\r\n");
            } catch (IOException closed) {
                break;
            }
        }
        assertThat(all(dripping)).startsWith("HTTP/1.1 408");
        assertThat(silent.getInputStream().read()).isEqualTo(-1);
        time.advance(Duration.ofSeconds(10));
        assertThat(all(stalled)).startsWith("HTTP/1.1 408").contains("the request did not arrive in time");
        time.advance(Duration.ofSeconds(20));
        send(steady, "x".repeat(100_000));
        assertThat(head(steady.getInputStream()))
                .as("100,000 bytes are worth 24 s")
                .startsWith("HTTP/1.1 200");
        send(idle, get("/v1/things/b"));
        assertThat(head(idle.getInputStream())).as("idle for 42 s").startsWith("HTTP/1.1 200");
        idle.getInputStream().readNBytes(10);
        eventually(
                () -> {
                    time.advance(Duration.ofSeconds(60));
                    return server.stats().tcp().open() == 0;
                },
                "who asks nothing for two minutes is closed");
        assertThat(idle.getInputStream().read()).isEqualTo(-1);
        assertThat(server.stats().tcp().expired()).isGreaterThanOrEqualTo(4);
    }

    @Test
    void connections_overTheCaps_areClosedAtOnce_andCounted_andTheSocketStillAnswers() throws Exception {
        for (int i = 0; i < 350; i++) {
            dial();
        }
        eventually(() -> server.stats().tcp().open() == 350, "an address has its share");
        for (int i = 0; i < 50; i++) {
            try {
                assertThat(dial().getInputStream().read()).isEqualTo(-1);
            } catch (IOException reset) {
                // As good as closed.
            }
        }
        assertThat(server.stats().tcp().refusedByAddress()).isEqualTo(50);
        assertThat(local()).startsWith("HTTP/1.1 200");
        sockets.removeFirst().close();
        eventually(() -> server.stats().tcp().open() == 349, "its place is free");
        Socket one = dial();
        send(one, get("/v1/things/a"));
        assertThat(head(one.getInputStream())).startsWith("HTTP/1.1 200");
    }

    /** From loopback's other addresses: all places are taken by who only holds them, and each newcomer gets one. */
    @Test
    void connections_thatOnlyWait_giveWayToNewOnes() throws Exception {
        Socket kept = dial();
        send(kept, get("/v1/wait"));
        eventually(() -> waiting.get() == 1, "a request is at work");
        for (int i = 0; i < 500; i++) {
            Socket holder = new Socket(
                    address.getAddress(), address.getPort(), InetAddress.getByName("127.0.1." + (1 + i / 300)), 0);
            sockets.add(holder);
            try {
                send(holder, "GET / HT");
            } catch (IOException closed) {
                // Another one has its place.
            }
        }
        eventually(() -> server.stats().tcp().refused() == 101, "one goes for each that comes");
        assertThat(server.stats().tcp().open()).isEqualTo(400);
        Socket one = dial();
        send(one, get("/v1/things/a"));
        assertThat(head(one.getInputStream())).startsWith("HTTP/1.1 200");
        waited.countDown();
        assertThat(head(kept.getInputStream())).as("what is at work stays").startsWith("HTTP/1.1 204");
    }

    @Test
    void requestsAtWork_ofOneCaller_areBounded_andOthersAreServed() throws Exception {
        for (int i = 0; i < 110; i++) {
            Socket socket = dial();
            send(socket, get("/v1/wait"));
            if (i >= 100) {
                assertThat(head(socket.getInputStream()))
                        .startsWith("HTTP/1.1 429")
                        .contains("retry-after: 1");
            } else {
                int now = i + 1;
                eventually(() -> waiting.get() == now, "it is at work");
            }
        }
        Socket other = dial();
        send(other, get("/v1/things/a").replace("shop", "bank"));
        assertThat(head(other.getInputStream())).startsWith("HTTP/1.1 200");
        waited.countDown();
        for (Socket socket : sockets.subList(0, 100)) {
            assertThat(head(socket.getInputStream())).startsWith("HTTP/1.1 204");
        }
        Socket again = dial();
        send(again, get("/v1/things/a"));
        assertThat(head(again.getInputStream())).startsWith("HTTP/1.1 200");
    }

    @Test
    void bounds_areThese() {
        ApiConfig usual = ApiConfig.usual();
        assertThat(usual.tcp()).isEqualTo(new ApiConfig.Pool(1_024, 256, 256, 48 << 20, 16 << 20, 96 << 20, 24 << 20));
        assertThat(usual.local()).isEqualTo(new ApiConfig.Pool(256, 256, 128, 16 << 20, 8 << 20, 48 << 20, 24 << 20));
        assertThat(usual.times())
                .isEqualTo(new ApiConfig.Times(
                        Duration.ofSeconds(10),
                        Duration.ofSeconds(20),
                        4_096,
                        Duration.ofSeconds(120),
                        Duration.ofSeconds(60),
                        Duration.ofSeconds(1)));
        assertThat(List.of(ApiConfig.MAX_BODY, ApiConfig.MAX_LINE, ApiConfig.MAX_FIELDS))
                .containsExactly(4 << 20, 4_096, 16_384);
    }

    /** However many take what they get, the next one still finds some. */
    @Test
    void budget_isNeverGivenOutWhole() {
        CallerBudget budget = new CallerBudget(48 << 20, 16 << 20);
        for (int i = 0; i < 10; i++) {
            Caller greedy = new Caller.Nobody("10.0.0." + i);
            while (budget.take(greedy, 64 << 10)) {
                // As much as it gets.
            }
        }
        Caller late = new Caller.Nobody("10.0.1.1");
        assertThat(budget.take(late, 16 << 10)).isTrue();
        budget.give(late, 16 << 10);
        assertThat(budget.taken()).isLessThan(48 << 20);
        assertThat(Optional.of(budget.refused())).contains(10L);
    }
}
