package org.allod.edge;

import static org.allod.edge.Rig.ONE;
import static org.allod.edge.Rig.THREE;
import static org.allod.edge.Rig.TWO;
import static org.allod.edge.Rig.running;
import static org.allod.edge.Rig.stopped;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.allod.base.RejectedException;
import org.junit.jupiter.api.Test;

/** The rest of Allod is an interface of this room, so these tests fake it; the assembly's tests use the real one. */
class WakeTest {
    private static EdgeConfig patient(EdgeConfig config, Duration hold, Duration port) {
        return config.with(config.times().machines(hold, Duration.ofSeconds(1), port));
    }

    @Test
    void requests_toStoppedMachine_areHeldAndWakeItOnce() throws Exception {
        int port = Rig.closedPort();
        AtomicReference<RawBackend> backend = new AtomicReference<>();
        try (Rig rig = new Rig().publish("hello", stopped(ONE, port));
                ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            rig.machines.onWake = id -> CompletableFuture.supplyAsync(
                    () -> {
                        backend.set(RawBackend.saying(port, "awake"));
                        return running(ONE, port);
                    },
                    CompletableFuture.delayedExecutor(200, TimeUnit.MILLISECONDS));
            List<Future<Rig.RawClient.Reply>> replies = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                replies.add(clients.submit(() -> rig.get("hello.localhost", "/")));
            }
            for (Future<Rig.RawClient.Reply> reply : replies) {
                assertThat(reply.get().body()).isEqualTo("awake");
            }
            assertThat(rig.machines.woken).containsExactly(ONE);
            EdgeStats stats = rig.edge.stats();
            assertThat(stats.held()).isEqualTo(100);
            assertThat(stats.heldNow()).isZero();
            assertThat(stats.wakes()).isEqualTo(1);
            assertThat(stats.wakeLatency().count()).isEqualTo(1);
            Rig.eventually(() -> rig.edge.stats().inFlight() == 0, "nothing is in flight");
        } finally {
            backend.get().close();
        }
    }

    @Test
    void request_whileTheProcessDoesNotListenYet_waitsForThePortByTheMillisecond() throws Exception {
        int port = Rig.closedPort();
        AtomicReference<RawBackend> backend = new AtomicReference<>();
        try (Rig rig = new Rig().publish("hello", stopped(ONE, port))) {
            AtomicReference<Long> opened = new AtomicReference<>();
            rig.machines.onWake = id -> {
                CompletableFuture.delayedExecutor(300, TimeUnit.MILLISECONDS).execute(() -> {
                    backend.set(RawBackend.saying(port, "listening"));
                    opened.set(System.nanoTime());
                });
                return CompletableFuture.completedFuture(running(ONE, port));
            };
            assertThat(rig.get("hello.localhost", "/").body()).isEqualTo("listening");
            long late = (System.nanoTime() - opened.get()) / 1_000_000;
            assertThat(late).as("ms from listening to the answer").isLessThan(150);
        } finally {
            backend.get().close();
        }
    }

    @Test
    void post_toStoppedMachine_keepsItsBodyAndReadsNoFurtherThanTheBound() throws Exception {
        int port = Rig.closedPort();
        CompletableFuture<Backend> up = new CompletableFuture<>();
        byte[] body = new byte[32 << 20];
        new java.util.Random(3).nextBytes(body);
        try (Rig rig = new Rig().publish("hello", stopped(ONE, port));
                Rig.RawClient rawClient = rig.dial()) {
            rig.machines.onWake = id -> up;
            Thread sender = Thread.ofVirtual()
                    .start(() -> rawClient
                            .send("POST /up HTTP/1.1\r\nHost: hello.localhost\r\nContent-Length: " + body.length
                                    + "\r\n\r\n")
                            .send(body));
            Rig.eventually(() -> rig.edge.stats().heldNow() == 1, "the request is held");
            Thread.sleep(300);
            assertThat(rig.edge.stats().bytesIn())
                    .as("read while held, of %d sent", body.length)
                    .isLessThan(400_000);
            assertThat(sender.isAlive()).isTrue();
            try (RawBackend backend = new RawBackend(port, conn -> {
                byte[] got = conn.body(conn.head());
                conn.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
                        + (java.util.Arrays.equals(got, body) ? "equal" : "other"));
            })) {
                up.complete(running(ONE, port));
                assertThat(rawClient.reply().body()).isEqualTo("equal");
            }
        }
    }

    @Test
    void request_heldForTooLong_isToldSoAndNothingIsLeftBehind() {
        try (Rig rig = new Rig(config -> patient(config, Duration.ofMillis(400), Duration.ofMillis(400)))
                .publish("hello", stopped(ONE, Rig.closedPort()))) {
            rig.machines.onWake = id -> new CompletableFuture<>();
            Rig.RawClient.Reply reply = rig.get("hello.localhost", "/");
            assertThat(reply.status()).isEqualTo(503);
            assertThat(reply.header("allod-error")).isEqualTo("still-starting");
            assertThat(reply.header("retry-after")).isEqualTo("1");
            assertThat(reply.body()).contains("machine " + ONE + " is still not up after 0.4 s");
            assertThat(rig.edge.stats().heldNow()).isZero();
            assertThat(rig.edge.stats().inFlight()).isZero();
        }
    }

    @Test
    void requests_beyondTheHoldRoom_areRefusedAtOnce() throws Exception {
        try (Rig rig = new Rig(config -> config.with(config.limits().holding(3, 1 << 20)))
                        .publish("hello", stopped(ONE, Rig.closedPort()));
                ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            CompletableFuture<Backend> up = new CompletableFuture<>();
            rig.machines.onWake = id -> up;
            List<Future<Rig.RawClient.Reply>> held = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                held.add(clients.submit(() -> rig.get("hello.localhost", "/")));
            }
            Rig.eventually(() -> rig.edge.stats().heldNow() == 3, "three are held");
            Rig.RawClient.Reply fourth = rig.get("hello.localhost", "/");
            assertThat(fourth.status()).isEqualTo(503);
            assertThat(fourth.header("allod-error")).isEqualTo("too-many-waiting");
            try (RawBackend backend = RawBackend.saying("up")) {
                up.complete(running(ONE, backend.port()));
                for (Future<Rig.RawClient.Reply> reply : held) {
                    assertThat(reply.get().body()).isEqualTo("up");
                }
            }
        }
    }

    @Test
    void wake_thatFails_isPassedOnWithItsReason() {
        try (Rig rig = new Rig().publish("hello", stopped(ONE, Rig.closedPort()))) {
            rig.machines.onWake = id -> CompletableFuture.failedFuture(
                    RejectedException.because(RejectedException.Reason.CAPACITY, "no room for 256 MB of memory"));
            Rig.RawClient.Reply reply = rig.get("hello.localhost", "/");
            assertThat(reply.status()).isEqualTo(503);
            assertThat(reply.header("allod-error")).isEqualTo("wake-failed");
            assertThat(reply.body()).contains("no room for 256 MB of memory");
        }
    }

    @Test
    void wake_thatFailsOnOneMachine_triesTheOther() {
        try (RawBackend backend = RawBackend.saying("second");
                Rig rig = new Rig()
                        .publish(
                                "hello",
                                stopped(ONE, Rig.closedPort()).withState(Backend.State.SUSPENDED),
                                stopped(TWO, backend.port()))) {
            rig.machines.onWake = id -> id.equals(ONE)
                    ? CompletableFuture.failedFuture(new IllegalStateException("broken snapshot"))
                    : CompletableFuture.completedFuture(running(TWO, backend.port()));
            assertThat(rig.get("hello.localhost", "/").body()).isEqualTo("second");
            assertThat(rig.machines.woken).containsExactly(ONE, TWO);
        }
    }

    @Test
    void machine_thatStartsButNeverListens_isNamedWithItsPortAndWhatToDo() {
        int port = Rig.closedPort();
        try (Rig rig = new Rig(config -> patient(config, Duration.ofMillis(600), Duration.ofMillis(300)))
                .publish("hello", stopped(ONE, port))) {
            rig.machines.onWake = id -> CompletableFuture.completedFuture(running(ONE, port));
            Rig.RawClient.Reply reply = rig.get("hello.localhost", "/");
            assertThat(reply.status()).isIn(502, 503);
            assertThat(reply.body()).contains(ONE.text());
            Rig.RawClient.Reply next = rig.publish("hello", running(ONE, port)).get("hello.localhost", "/");
            assertThat(next.status()).isEqualTo(502);
            assertThat(next.header("allod-error")).isEqualTo("port-closed");
            assertThat(next.body())
                    .contains("nothing in it listens on port " + port)
                    .contains("0.0.0.0, or ::");
            assertThat(rig.edge.stats().inFlight()).isZero();
        }
    }

    @Test
    void connect_refusedByOneMachine_isTriedAtTheOthers() {
        try (RawBackend backend = RawBackend.saying("third");
                Rig rig = new Rig()
                        .publish(
                                "hello",
                                running(ONE, Rig.closedPort()),
                                running(TWO, Rig.closedPort()),
                                running(THREE, backend.port()))) {
            for (int i = 0; i < 20; i++) {
                assertThat(rig.get("hello.localhost", "/").body()).isEqualTo("third");
            }
            assertThat(rig.machines.woken).isEmpty();
        }
    }

    @Test
    void client_thatLeavesWhileHeld_isForgotten() {
        try (Rig rig = new Rig().publish("hello", stopped(ONE, Rig.closedPort()))) {
            rig.machines.onWake = id -> new CompletableFuture<>();
            try (Rig.RawClient rawClient = rig.dial()) {
                rawClient.send("GET / HTTP/1.1\r\nHost: hello.localhost\r\n\r\n");
                Rig.eventually(() -> rig.edge.stats().heldNow() == 1, "it is held");
            }
            Rig.eventually(() -> rig.edge.stats().heldNow() == 0, "it is forgotten");
            assertThat(rig.edge.stats().inFlight()).isZero();
        }
    }

    @Test
    void autostartOff_stoppedMachine_isNotWoken() {
        try (Rig rig = new Rig()
                .publish(
                        "hello",
                        Backend.of(
                                ONE,
                                Rig.loopback(1),
                                Backend.State.STOPPED,
                                Service.plain().startedByHand()))) {
            Rig.RawClient.Reply reply = rig.get("hello.localhost", "/");
            assertThat(reply.status()).isEqualTo(503);
            assertThat(reply.header("allod-error")).isEqualTo("not-started");
            assertThat(rig.machines.woken).isEmpty();
        }
    }

    @Test
    void request_whileMachineStops_waitsAndThenWakesIt() throws Exception {
        try (RawBackend backend = RawBackend.saying("back");
                Rig rig =
                        new Rig().publish("hello", running(ONE, backend.port()).withState(Backend.State.STOPPING));
                ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            rig.machines.onWake = id -> CompletableFuture.completedFuture(running(ONE, backend.port()));
            Future<Rig.RawClient.Reply> reply = clients.submit(() -> rig.get("hello.localhost", "/"));
            Rig.eventually(() -> rig.edge.stats().heldNow() == 1, "it is held");
            assertThat(rig.machines.woken).isEmpty();
            rig.publish("hello", stopped(ONE, backend.port()));
            assertThat(reply.get().body()).isEqualTo("back");
            assertThat(rig.machines.woken).containsExactly(ONE);
        }
    }

    @Test
    void requests_overTheSoftLimit_wakeAnotherMachineAndGoOn() throws Exception {
        CompletableFuture<Void> release = new CompletableFuture<>();
        Service limited = Service.plain().limited(Service.Concurrency.REQUESTS, 1, 10);
        try (RawBackend slow = new RawBackend(conn -> {
                    conn.head();
                    release.get();
                    conn.write("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none");
                });
                RawBackend second = RawBackend.saying("two");
                Rig rig = new Rig()
                        .publish(
                                "hello",
                                Backend.of(ONE, Rig.loopback(slow.port()), Backend.State.RUNNING, limited),
                                Backend.of(TWO, Rig.loopback(second.port()), Backend.State.STOPPED, limited));
                ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            rig.machines.onWake = id -> CompletableFuture.completedFuture(
                    Backend.of(TWO, Rig.loopback(second.port()), Backend.State.RUNNING, limited));
            Future<Rig.RawClient.Reply> first = clients.submit(() -> rig.get("hello.localhost", "/"));
            Rig.eventually(() -> rig.edge.stats().inFlight() == 1, "the first is under way");
            Future<Rig.RawClient.Reply> over = clients.submit(() -> rig.get("hello.localhost", "/"));
            Rig.eventually(() -> rig.machines.woken.contains(TWO), "the other machine is woken");
            Rig.eventually(() -> rig.edge.stats().wakeLatency().count() == 1, "it is up");
            assertThat(rig.get("hello.localhost", "/").body()).isEqualTo("two");
            release.complete(null);
            assertThat(first.get().body()).isEqualTo("one");
            assertThat(over.get().body()).isEqualTo("one");
        }
    }

    @Test
    void requests_overTheHardLimit_queueAndAreNeverTogether() throws Exception {
        java.util.concurrent.atomic.AtomicInteger now = new java.util.concurrent.atomic.AtomicInteger();
        java.util.concurrent.atomic.AtomicInteger most = new java.util.concurrent.atomic.AtomicInteger();
        try (RawBackend backend = new RawBackend(conn -> {
                    while (conn.head() != null) {
                        most.accumulateAndGet(now.incrementAndGet(), Math::max);
                        Thread.sleep(5);
                        now.decrementAndGet();
                        conn.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                    }
                });
                Rig rig = new Rig()
                        .publish(
                                "hello",
                                Backend.of(
                                        ONE,
                                        Rig.loopback(backend.port()),
                                        Backend.State.RUNNING,
                                        Service.plain().limited(Service.Concurrency.REQUESTS, 0, 2)));
                ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Rig.RawClient.Reply>> replies = new ArrayList<>();
            for (int i = 0; i < 60; i++) {
                replies.add(clients.submit(() -> rig.get("hello.localhost", "/")));
            }
            for (Future<Rig.RawClient.Reply> reply : replies) {
                assertThat(reply.get().status()).isEqualTo(200);
            }
            assertThat(most.get()).isEqualTo(2);
            assertThat(rig.edge.stats().held()).isPositive();
        }
    }
}
