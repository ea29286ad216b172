package org.allod.edge;

import io.netty.channel.ConnectTimeoutException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import org.allod.base.Clock;
import org.allod.base.MachineId;
import org.allod.base.SupervisedThread;
import org.jspecify.annotations.Nullable;

/**
 * Brings machines up, each once however many requests wait for it, and waits until its port takes connections. A wake
 * that nobody waits for any more is given up, so that clients which have gone do not keep others waiting for their turn.
 */
final class Wakes {
    private final Machines machines;
    private final EdgeConfig.Times times;
    private final Clock clock;
    private final Metrics metrics;
    private final ConcurrentHashMap<Live, Wake> underWay = new ConcurrentHashMap<>();

    /** One wake, and who waits for it. */
    final class Wake {
        private final Live live;
        private final boolean asks;
        private final CompletableFuture<Woken> result = new CompletableFuture<>();
        private int waiters = 1;

        private Wake(Live live, boolean asks) {
            this.live = live;
            this.asks = asks;
        }

        /** Completes on any thread, never with an exception. */
        CompletableFuture<Woken> result() {
            return result;
        }

        private synchronized boolean join() {
            if (waiters == 0) {
                return false;
            }
            waiters++;
            return true;
        }

        private synchronized boolean last() {
            return --waiters == 0 && !result.isDone();
        }

        /** One that joined no longer waits. The last one to leave gives the wake up; the next request begins another. */
        void leave() {
            if (last() && asks && ended(this)) {
                Thread _ = SupervisedThread.start("abandon-wake", () -> machines.abandonWake(live.id));
            }
        }
    }

    Wakes(Machines machines, EdgeConfig.Times times, Clock clock, Metrics metrics) {
        this.machines = machines;
        this.times = times;
        this.clock = clock;
        this.metrics = metrics;
    }

    /**
     * Joins the wake of this machine, or begins it.
     *
     * @param loop who knocks, where nobody does yet
     * @param ask whether to ask for the machine to be started; else it runs, and only its port is waited for
     */
    Wake wake(Live live, Backend backend, Loop loop, boolean ask) {
        Wake mine = new Wake(live, ask);
        Wake now = underWay.compute(live, (l, other) -> {
            if (other != null && other.join()) {
                return other;
            }
            live.waking(true);
            return mine;
        });
        if (now != mine) {
            return now;
        }
        long began = clock.monoNanos();
        if (ask) {
            metrics.wakes.increment();
            Thread _ = SupervisedThread.start("wake", "wake " + live.id, () -> ask(live, backend, loop, began, mine));
        } else {
            knock(live, backend, loop, began, times.port(), mine);
        }
        return mine;
    }

    private void ask(Live live, Backend before, Loop loop, long began, Wake wake) {
        CompletionStage<Backend> asked;
        try {
            asked = machines.wake(live.id, before.address().getPort());
        } catch (RuntimeException | Error e) {
            // Else those who wait would never hear.
            asked = CompletableFuture.failedFuture(e);
        }
        asked.whenComplete((backend, failure) -> {
            if (failure != null) {
                Throwable cause = failure instanceof CompletionException && failure.getCause() != null
                        ? failure.getCause()
                        : failure;
                done(new Woken.Down(Problem.WAKE_FAILED, reason(cause)), wake);
            } else {
                loop.execute(() -> knock(live, backend, loop, began, left(began), wake));
            }
        });
    }

    /**
     * What is left of the time that requests are held. A tenth less, so that those who wait hear from here that the
     * port is closed, rather than from their own clock that nobody knows why it takes so long.
     */
    private Duration left(long began) {
        long all = times.hold().toNanos() * 9 / 10;
        return Duration.ofNanos(Math.max(all - (clock.monoNanos() - began), all / 10));
    }

    private void knock(Live live, Backend backend, Loop loop, long began, Duration patience, Wake wake) {
        new Knock(loop, live, backend.address(), patience, (upstream, refused) -> {
                    if (upstream == null) {
                        done(silent(live.id, backend.address(), refused), wake);
                        return;
                    }
                    upstream.toPool();
                    live.awake(backend.in(Backend.State.RUNNING));
                    live.cameUp(clock.monoNanos());
                    metrics.woke(clock.monoNanos() - began);
                    done(new Woken.Up(backend), wake);
                })
                .start();
    }

    /** Whether this was the machine's current wake; it no longer is. */
    private boolean ended(Wake wake) {
        boolean[] current = new boolean[1];
        underWay.computeIfPresent(wake.live, (live, now) -> {
            if (now != wake) {
                return now;
            }
            current[0] = true;
            live.waking(false);
            return null;
        });
        return current[0];
    }

    private void done(Woken woken, Wake wake) {
        if (ended(wake) && woken instanceof Woken.Down) {
            metrics.wakeFailures.increment();
        }
        wake.result.complete(woken);
    }

    private static Woken.Down silent(MachineId id, InetSocketAddress address, @Nullable Throwable refused) {
        boolean closed = refused instanceof ConnectException && !(refused instanceof ConnectTimeoutException);
        return closed
                ? new Woken.Down(
                        Problem.PORT_CLOSED,
                        "machine " + id + " runs, but nothing in it listens on port " + address.getPort())
                : new Woken.Down(
                        Problem.UNREACHABLE,
                        "machine " + id + " runs, but its port " + address.getPort() + " does not answer at all");
    }

    static String seconds(Duration duration) {
        long millis = duration.toMillis();
        return millis % 1000 == 0 ? Long.toString(millis / 1000) : Double.toString(millis / 1000.0);
    }

    private static String reason(Throwable cause) {
        String message = cause.getMessage();
        return message == null ? cause.getClass().getSimpleName() : message;
    }
}
