package org.allod.edge;

import static org.allod.edge.Rig.ONE;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class SleepTest {
    private static Rig sleepy() {
        return new Rig(config -> config.with(config.times().sleeping(Duration.ofMillis(300), Duration.ofMillis(50))));
    }

    private static Backend backend(int port, Backend.State state, Autostop how) {
        return Backend.of(ONE, Rig.loopback(port), state, Service.plain().stopping(how));
    }

    @Test
    void machine_nobodyUses_isSuspendedAndWokenByTheNextRequest() {
        try (RawBackend backend = RawBackend.saying("hi");
                Rig rig = sleepy()) {
            rig.publish("hello", backend(backend.port(), Backend.State.RUNNING, Autostop.SUSPEND));
            rig.machines.onStop = id -> {
                rig.publish("hello", backend(backend.port(), Backend.State.SUSPENDED, Autostop.SUSPEND));
                return CompletableFuture.completedFuture(null);
            };
            rig.machines.onWake = id ->
                    CompletableFuture.completedFuture(backend(backend.port(), Backend.State.RUNNING, Autostop.SUSPEND));
            assertThat(rig.get("hello.localhost", "/").body()).isEqualTo("hi");
            Rig.eventually(() -> rig.machines.stopped.get(ONE) == Autostop.SUSPEND, "it is suspended");
            // The edge has closed them before; the other end may hear of it a moment later.
            Rig.eventually(() -> backend.open.get() == 0, "no connection to it is left");
            assertThat(rig.get("hello.localhost", "/").body()).isEqualTo("hi");
            assertThat(rig.machines.woken).containsExactly(ONE);
            assertThat(rig.edge.stats().stops()).isPositive();
        }
    }

    @Test
    void machine_withARequestUnderWay_isNotStoppedHoweverLongItTakes() throws Exception {
        CompletableFuture<Void> release = new CompletableFuture<>();
        try (RawBackend slow = new RawBackend(conn -> {
                    conn.head();
                    release.get();
                    conn.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone");
                });
                Rig rig = sleepy();
                ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            rig.publish("hello", backend(slow.port(), Backend.State.RUNNING, Autostop.STOP));
            Future<Rig.RawClient.Reply> reply = clients.submit(() -> rig.get("hello.localhost", "/"));
            Thread.sleep(900);
            assertThat(rig.machines.stopped).isEmpty();
            release.complete(null);
            assertThat(reply.get().body()).isEqualTo("done");
            Rig.eventually(() -> rig.machines.stopped.containsKey(ONE), "it is stopped after");
        }
    }

    @Test
    void request_duringAStopOfOurs_waitsForItAndThenWakes() throws Exception {
        CompletableFuture<Void> stopping = new CompletableFuture<>();
        try (RawBackend backend = RawBackend.saying("again");
                Rig rig = sleepy();
                ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            rig.publish("hello", backend(backend.port(), Backend.State.RUNNING, Autostop.STOP));
            rig.machines.onStop = id -> stopping;
            rig.machines.onWake = id ->
                    CompletableFuture.completedFuture(backend(backend.port(), Backend.State.RUNNING, Autostop.STOP));
            Rig.eventually(() -> rig.machines.stopped.containsKey(ONE), "the stop began");
            Future<Rig.RawClient.Reply> reply = clients.submit(() -> rig.get("hello.localhost", "/"));
            Rig.eventually(() -> rig.edge.stats().heldNow() == 1, "the request is held");
            assertThat(rig.machines.woken).isEmpty();
            rig.publish("hello", backend(backend.port(), Backend.State.STOPPED, Autostop.STOP));
            stopping.complete(null);
            assertThat(reply.get().body()).isEqualTo("again");
            assertThat(rig.machines.woken).containsExactly(ONE);
        }
    }

    @Test
    void wake_thatNobodyWaitsForAnyMore_isGivenUpAndBegunAnewForTheNext() {
        try (RawBackend backend = RawBackend.saying("awake");
                Rig rig = new Rig()) {
            Backend running = backend(backend.port(), Backend.State.RUNNING, Autostop.STOP);
            rig.publish("hello", backend(backend.port(), Backend.State.STOPPED, Autostop.STOP));
            CompletableFuture<Backend> queued = new CompletableFuture<>();
            rig.machines.onWake = id -> queued;
            try (Rig.RawClient first = rig.dial();
                    Rig.RawClient second = rig.dial()) {
                first.send("GET / HTTP/1.1\r\nHost: hello.localhost\r\n\r\n");
                second.send("GET / HTTP/1.1\r\nHost: hello.localhost\r\n\r\n");
                Rig.eventually(() -> rig.edge.stats().heldNow() == 2, "both are held");
                first.close();
                Rig.eventually(() -> rig.edge.stats().heldNow() == 1, "one has gone");
                assertThat(rig.machines.abandoned).isEmpty();
            }
            Rig.eventually(() -> rig.machines.abandoned.equals(List.of(ONE)), "the wake is given up");
            rig.machines.onWake = id -> CompletableFuture.completedFuture(running);
            assertThat(rig.get("hello.localhost", "/").body()).isEqualTo("awake");
            assertThat(rig.machines.woken).containsExactly(ONE, ONE);
            queued.completeExceptionally(new IllegalStateException("dropped"));
            assertThat(rig.edge.stats().wakeFailures()).isZero();
        }
    }

    @Test
    void stop_thatFails_leavesTheMachineInUse() {
        try (RawBackend backend = RawBackend.saying("still here");
                Rig rig = sleepy()) {
            rig.publish("hello", backend(backend.port(), Backend.State.RUNNING, Autostop.STOP));
            rig.machines.onStop = id -> CompletableFuture.failedFuture(new IllegalStateException("no"));
            Rig.eventually(() -> rig.machines.stopped.containsKey(ONE), "the stop was tried");
            assertThat(rig.get("hello.localhost", "/").body()).isEqualTo("still here");
            assertThat(rig.machines.woken).isEmpty();
        }
    }

    @Test
    void drain_withARequestUnderWay_completesWhenItEndsAndSendsNothingNew() throws Exception {
        CompletableFuture<Void> release = new CompletableFuture<>();
        try (RawBackend slow = new RawBackend(conn -> {
                    conn.head();
                    release.get();
                    conn.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone");
                });
                Rig rig = new Rig();
                ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            rig.publish("hello", backend(slow.port(), Backend.State.RUNNING, Autostop.OFF));
            Future<Rig.RawClient.Reply> reply = clients.submit(() -> rig.get("hello.localhost", "/"));
            Rig.eventually(() -> rig.edge.stats().inFlight() == 1, "it is under way");
            assertThat(rig.edge
                            .drain(ONE, Duration.ofMillis(100))
                            .toCompletableFuture()
                            .get(5, TimeUnit.SECONDS))
                    .as("within its patience")
                    .isFalse();
            CompletableFuture<Boolean> drained =
                    rig.edge.drain(ONE, Duration.ofSeconds(10)).toCompletableFuture();
            Future<Rig.RawClient.Reply> second = clients.submit(() -> rig.get("hello.localhost", "/"));
            Rig.eventually(() -> rig.edge.stats().heldNow() == 1, "a second one is held");
            assertThat(drained).isNotDone();
            release.complete(null);
            assertThat(reply.get().body()).isEqualTo("done");
            assertThat(drained.get(5, TimeUnit.SECONDS)).isTrue();
            Rig.eventually(() -> slow.open.get() == 0, "connections are closed");
            rig.edge.undrain(ONE);
            assertThat(second.get().body()).isEqualTo("done");
        }
    }
}
