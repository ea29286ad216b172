package org.allod.edge;

import static org.allod.edge.Rig.ONE;
import static org.allod.edge.Rig.TWO;
import static org.allod.edge.Rig.running;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.allod.base.RejectedException;
import org.allod.base.Rng;
import org.allod.base.SystemClock;
import org.junit.jupiter.api.Test;

/** How the edge treats slow, silent and too many clients, and its own error responses. */
class EdgeLimitsTest {
    private static final String GET = "GET / HTTP/1.1\r\nHost: hello.localhost\r\n\r\n";

    private static Rig impatient() {
        return new Rig(config -> config.with(
                config.times().clients(Duration.ofMillis(300), Duration.ofMillis(500), Duration.ofMillis(700))));
    }

    @Test
    void head_thatDripsIn_timesOut() throws Exception {
        try (Rig rig = impatient();
                Rig.RawClient rawClient = rig.dial()) {
            rawClient.send("GET / HTTP/1.1\r\n");
            Thread drip = Thread.ofVirtual().start(() -> {
                try {
                    for (int i = 0; i < 100; i++) {
                        rawClient.send("X: y\r\n");
                        Thread.sleep(50);
                    }
                } catch (java.io.UncheckedIOException | InterruptedException closed) {
                    // As it should be.
                }
            });
            Rig.RawClient.Reply reply = rawClient.reply();
            assertThat(reply.status()).isEqualTo(408);
            assertThat(reply.header("allod-error")).isEqualTo("request-timeout");
            drip.interrupt();
        }
    }

    @Test
    void connection_thatSaysNothing_isClosedWithoutAWord() {
        try (Rig rig = impatient();
                Rig.RawClient rawClient = rig.dial()) {
            assertThat(rawClient.read()).isEqualTo(-1);
        }
    }

    @Test
    void connection_idleBetweenRequests_isClosed() {
        try (RawBackend backend = RawBackend.saying("ok");
                Rig rig = impatient().publish("hello", running(ONE, backend.port()));
                Rig.RawClient rawClient = rig.dial()) {
            assertThat(rawClient.send(GET).reply().body()).isEqualTo("ok");
            assertThat(rawClient.read()).isEqualTo(-1);
        }
    }

    @Test
    void body_thatStopsComing_timesOut() {
        try (RawBackend backend = RawBackend.echo();
                Rig rig = impatient().publish("hello", running(ONE, backend.port()));
                Rig.RawClient rawClient = rig.dial()) {
            Rig.RawClient.Reply reply = rawClient
                    .send("POST / HTTP/1.1\r\nHost: hello.localhost\r\nContent-Length: 10\r\n\r\nhalf")
                    .reply();
            assertThat(reply.status()).isEqualTo(408);
            Rig.eventually(() -> backend.open.get() == 0, "the machine is let go");
        }
    }

    @Test
    void machine_thatNeverAnswers_isA504() {
        try (RawBackend backend = new RawBackend(conn -> {
                    conn.head();
                    conn.in.read();
                });
                Rig rig = impatient().publish("hello", running(ONE, backend.port()))) {
            Rig.RawClient.Reply reply = rig.get("hello.localhost", "/");
            assertThat(reply.status()).isEqualTo(504);
            assertThat(reply.header("allod-error")).isEqualTo("answer-timeout");
            assertThat(rig.edge.stats().inFlight()).isZero();
        }
    }

    @Test
    void clients_beyondTheLimit_areToldAndClosed() {
        try (RawBackend backend = RawBackend.saying("ok");
                Rig rig = new Rig(config -> config.with(config.limits().connecting(3, 3)))
                        .publish("hello", running(ONE, backend.port()))) {
            List<Rig.RawClient> wires = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                wires.add(rig.dial());
                assertThat(wires.get(i).send(GET).reply().body()).isEqualTo("ok");
            }
            try (Rig.RawClient fourth = rig.dial()) {
                assertThat(fourth.reply().header("allod-error")).isEqualTo("too-many-connections");
            }
            wires.forEach(Rig.RawClient::close);
            Rig.eventually(() -> rig.edge.stats().openConnections() == 0, "all are gone");
            assertThat(rig.get("hello.localhost", "/").body()).isEqualTo("ok");
        }
    }

    @Test
    void newcomer_toAFullEdge_takesThePlaceOfWhoHasWaitedLongest() {
        try (RawBackend backend = RawBackend.saying("ok");
                Rig rig = new Rig(config ->
                                config.withThreads(1).with(config.limits().connecting(3, 100)))
                        .publish("hello", running(ONE, backend.port()));
                Rig.RawClient first = rig.dial();
                Rig.RawClient second = rig.dial();
                Rig.RawClient third = rig.dial()) {
            for (Rig.RawClient client : List.of(first, second, third, first)) {
                assertThat(client.send(GET).reply().body()).isEqualTo("ok");
            }
            try (Rig.RawClient fourth = rig.dial()) {
                assertThat(fourth.send(GET).reply().body()).isEqualTo("ok");
                assertThat(second.read())
                        .as("of all three it has asked for nothing longest")
                        .isEqualTo(-1);
                assertThat(first.send(GET).reply().body()).isEqualTo("ok");
                assertThat(third.send(GET).reply().body()).isEqualTo("ok");
                assertThat(rig.edge.stats().openConnections()).isEqualTo(3);
            }
        }
    }

    @Test
    void newcomer_toAnEdgeFullOfWork_isTold_andNothingIsCut() {
        CompletableFuture<Void> release = new CompletableFuture<>();
        try (RawBackend backend = new RawBackend(conn -> {
                    conn.head();
                    release.join();
                    conn.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                });
                Rig rig = new Rig(config -> config.with(config.limits().connecting(2, 100)))
                        .publish("hello", running(ONE, backend.port()));
                Rig.RawClient first = rig.dial();
                Rig.RawClient second = rig.dial()) {
            first.send(GET);
            second.send(GET);
            Rig.eventually(() -> backend.heads.size() == 2, "both are at work");
            try (Rig.RawClient third = rig.dial()) {
                assertThat(third.reply().header("allod-error")).isEqualTo("too-many-connections");
            }
            release.complete(null);
            assertThat(first.reply().body()).isEqualTo("ok");
            assertThat(second.reply().body()).isEqualTo("ok");
        }
    }

    /** Behind those who are told there may be any number: they are closed at once, and hold no descriptor. */
    @Test
    void crowd_overTheLimit_holdsNoConnections_andTheEdgeServesOn() throws Exception {
        try (RawBackend backend = RawBackend.saying("ok");
                Rig rig = new Rig(config -> config.with(config.limits().connecting(100, 20)))
                        .publish("hello", running(ONE, backend.port()));
                Rig.RawClient kept = rig.dial()) {
            assertThat(kept.send(GET).reply().body()).isEqualTo("ok");
            List<Socket> crowd = new ArrayList<>();
            for (int i = 0; i < 300; i++) {
                Socket socket = new Socket(
                        rig.edge.address().getAddress(), rig.edge.address().getPort());
                crowd.add(socket);
                try {
                    socket.getOutputStream().write("GET / HT".getBytes(StandardCharsets.US_ASCII));
                } catch (java.io.IOException closed) {
                    // At once, as it should be.
                }
            }
            Rig.eventually(() -> rig.edge.stats().refusedByAddress() == 281, "19 of 300 have room beside the first");
            assertThat(rig.edge.stats().openConnections()).isLessThanOrEqualTo(20 + 64);
            assertThat(rig.edge.stats().refusedConnections()).isZero();
            assertThat(kept.send(GET).reply().body()).isEqualTo("ok");
            for (Socket socket : crowd) {
                socket.close();
            }
            Rig.eventually(() -> rig.edge.stats().openConnections() == 1, "all but one are gone");
            assertThat(rig.get("hello.localhost", "/").body()).isEqualTo("ok");
        }
    }

    /** The edge's own answers wait for their reader too: 50 bytes of request ask for 500 of an answer. */
    @Test
    void pipeliner_thatNeverReads_getsNoMoreThanItTakes_andAllInOrderOnceItReads() throws Exception {
        int count = 30_000;
        try (Rig rig = new Rig();
                Socket socket = new Socket()) {
            socket.setReceiveBufferSize(32 << 10);
            socket.connect(rig.edge.address());
            Thread sender = Thread.ofPlatform().start(() -> {
                StringBuilder asked = new StringBuilder();
                for (int i = 0; i < count; i++) {
                    asked.append("GET / HTTP/1.1\r\nHost: n").append(i).append(".localhost\r\n\r\n");
                }
                asked.append("GET / HTTP/1.1\r\nHost: end.localhost\r\nConnection: close\r\n\r\n");
                try {
                    socket.getOutputStream().write(asked.toString().getBytes(StandardCharsets.US_ASCII));
                } catch (java.io.IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
            });
            Rig.eventually(
                    () -> {
                        long before = rig.edge.stats().requests();
                        rig.get("other.localhost", "/");
                        rig.get("other.localhost", "/");
                        return before > 100 && rig.edge.stats().requests() == before + 2;
                    },
                    "it is no longer looked at");
            assertThat(rig.edge.stats().requests())
                    .as("answers made for nobody")
                    .isLessThan(count / 2);
            String answers = new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
            Matcher named = Pattern.compile("no app is named \"(n\\d+|end)\"").matcher(answers);
            for (int i = 0; i < count; i++) {
                assertThat(named.find()).isTrue();
                assertThat(named.group(1)).isEqualTo("n" + i);
            }
            assertThat(named.find()).isTrue();
            assertThat(named.group(1)).isEqualTo("end");
            sender.join();
        }
    }

    @Test
    void answers_ofTheEdge_comeAsTheClientLikesThem() {
        try (Rig rig = new Rig().publish("empty");
                Rig.RawClient rawClient = rig.dial()) {
            String get = "GET / HTTP/1.1\r\nHost: empty.localhost\r\nAccept: ";
            Rig.RawClient.Reply html =
                    rawClient.send(get + "text/html,*/*\r\n\r\n").reply();
            assertThat(html.status()).isEqualTo(503);
            assertThat(html.header("content-type")).startsWith("text/html");
            assertThat(html.body())
                    .contains("<h1>503 Service Unavailable</h1>")
                    .contains("app &quot;empty&quot; has no");
            Rig.RawClient.Reply json =
                    rawClient.send(get + "application/json\r\n\r\n").reply();
            assertThat(json.body())
                    .contains("\"code\":\"no-machines\"")
                    .contains("\"error\":\"app \\\"empty\\\" has no machines\"")
                    .contains("\"hint\":\"Run one with: allod machine run IMAGE --app empty\"");
            Rig.RawClient.Reply text = rawClient
                    .send("HEAD / HTTP/1.1\r\nHost: empty.localhost\r\n\r\n")
                    .reply(true);
            assertThat(text.header("allod-error")).isEqualTo("no-machines");
            assertThat(text.header("retry-after")).isEqualTo("30");
        }
    }

    @Test
    void unknownHosts_areNamedAsWhatIsWrongWithThem() {
        try (Rig rig = new Rig().publish("hello", running(ONE, 1))) {
            assertThat(rig.get("nobody.localhost", "/").body()).contains("no app is named \"nobody\"");
            for (String host : List.of("localhost", "example.com", "a.hello.localhost", "127.0.0.1:8080", "[::1]:80")) {
                Rig.RawClient.Reply reply = rig.get(host, "/");
                assertThat(reply.status()).isEqualTo(404);
                assertThat(reply.body())
                        .contains("is not the name of an app here")
                        .contains("APP.localhost");
            }
        }
    }

    @Test
    void connections_whereTheyAreCounted_stayWithTheirMachine() {
        Service counted = Service.plain().limited(Service.Concurrency.CONNECTIONS, 1, 1);
        try (RawBackend one = RawBackend.saying("one");
                RawBackend two = RawBackend.saying("two");
                Rig rig = new Rig()
                        .publish(
                                "hello",
                                Backend.of(ONE, Rig.loopback(one.port()), Backend.State.RUNNING, counted),
                                Backend.of(TWO, Rig.loopback(two.port()), Backend.State.RUNNING, counted));
                Rig.RawClient first = rig.dial();
                Rig.RawClient second = rig.dial()) {
            String mine = first.send(GET).reply().body();
            String other = second.send(GET).reply().body();
            assertThat(other).isNotEqualTo(mine);
            for (int i = 0; i < 10; i++) {
                assertThat(first.send(GET).reply().body()).isEqualTo(mine);
            }
            assertThat(rig.edge.stats().inFlight()).as("idle connections count").isEqualTo(2);
            first.close();
            Rig.eventually(() -> rig.edge.stats().inFlight() == 1, "its place is free");
            assertThat(rig.get("hello.localhost", "/").body()).isEqualTo(mine);
        }
    }

    @Test
    void unhealthyMachines_areWaitedForAndThenNamed() {
        try (RawBackend backend = RawBackend.saying("well");
                Rig rig = new Rig(config -> config.with(config.times()
                        .machines(Duration.ofMillis(500), Duration.ofSeconds(1), Duration.ofSeconds(1))))) {
            Backend sick = new Backend(
                    ONE, Rig.loopback(backend.port()), Backend.State.RUNNING, Service.plain(), false, false);
            rig.publish("hello", sick);
            assertThat(rig.get("hello.localhost", "/").header("allod-error")).isEqualTo("unhealthy");
            CompletableFuture<Rig.RawClient.Reply> held =
                    CompletableFuture.supplyAsync(() -> rig.get("hello.localhost", "/"));
            Rig.eventually(() -> rig.edge.stats().heldNow() == 1, "it waits");
            rig.publish("hello", running(ONE, backend.port()));
            assertThat(held.join().body()).isEqualTo("well");
        }
    }

    @Test
    void start_onABusyPort_saysWhichAndWhatToDo() throws Exception {
        try (ServerSocket busy = new ServerSocket(0, 1, Rig.loopback(0).getAddress())) {
            InetSocketAddress address = Rig.loopback(busy.getLocalPort());
            assertThatThrownBy(() -> Edge.start(
                            EdgeConfig.at(address),
                            new Rig.FakeMachines(),
                            new SystemClock(),
                            (delay, task) -> () -> {},
                            Rng.seeded(1)))
                    .isInstanceOf(RejectedException.class)
                    .hasMessage("the edge cannot listen on " + address.getHostString() + ":" + busy.getLocalPort()
                            + ": another process does")
                    .satisfies(e -> assertThat(((RejectedException) e).hint().orElse(""))
                            .contains("--edge"));
        }
    }

    @Test
    void start_onAnAddressOfAnotherHost_isRejected() {
        assertThatThrownBy(() -> Edge.start(
                        EdgeConfig.at(new InetSocketAddress("192.0.2.1", 0)),
                        new Rig.FakeMachines(),
                        new SystemClock(),
                        (delay, task) -> () -> {},
                        Rng.seeded(1)))
                .isInstanceOf(RejectedException.class)
                .hasMessageContaining("this host has no such address");
    }

    @Test
    void close_withARequestUnderWay_letsItFinishAndTakesNoMore() throws Exception {
        CompletableFuture<Void> release = new CompletableFuture<>();
        try (RawBackend slow = new RawBackend(conn -> {
                    conn.head();
                    release.get();
                    conn.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone");
                });
                Rig rig = new Rig().publish("hello", running(ONE, slow.port()));
                Rig.RawClient idle = rig.dial();
                Rig.RawClient rawClient = rig.dial()) {
            rawClient.send(GET);
            Rig.eventually(() -> slow.heads.size() == 1, "it is under way");
            Thread closing = Thread.ofVirtual().start(rig.edge::close);
            assertThat(idle.closed(Duration.ofSeconds(5))).isTrue();
            assertThatThrownBy(() -> rig.dial().send(GET).reply()).isInstanceOf(java.io.UncheckedIOException.class);
            release.complete(null);
            Rig.RawClient.Reply reply = rawClient.reply();
            assertThat(reply.body()).isEqualTo("done");
            assertThat(reply.header("connection")).isEqualTo("close");
            closing.join(Duration.ofSeconds(10));
            assertThat(closing.isAlive()).isFalse();
        }
    }

    @Test
    void nio_whereEpollIsNotWanted_servesTheSame() {
        try (RawBackend backend = RawBackend.echo();
                Rig rig = new Rig(EdgeConfig::withNio).publish("hello", running(ONE, backend.port()));
                Rig.RawClient rawClient = rig.dial()) {
            for (int i = 0; i < 10; i++) {
                assertThat(rawClient.send(GET).reply().status()).isEqualTo(200);
            }
            assertThat(rawClient.send(GET).finishSending().reply().status()).isEqualTo(200);
        }
    }

    @Test
    void ipv6Machine_isReached() throws Exception {
        try (ServerSocket server = new ServerSocket(0, 5, java.net.InetAddress.getByName("::1"));
                Rig rig = new Rig()) {
            Thread.ofVirtual().start(() -> {
                try (java.net.Socket socket = server.accept()) {
                    socket.getInputStream().read();
                    socket.getOutputStream()
                            .write("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nsix".getBytes("US-ASCII"));
                } catch (java.io.IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
            });
            rig.publish(
                    "hello",
                    Backend.of(
                            ONE,
                            new InetSocketAddress("::1", server.getLocalPort()),
                            Backend.State.RUNNING,
                            Service.plain()));
            assertThat(rig.get("hello.localhost", "/").body()).isEqualTo("six");
        }
    }
}
