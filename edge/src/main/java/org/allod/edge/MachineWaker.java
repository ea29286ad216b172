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
 * Brings machines up, each once however many requests wait for it, and waits until its port accepts connections. A wake
 * that no request waits for any more is abandoned, so that clients that have gone do not delay the wakes of others.
 */
final class MachineWaker {
    private final MachineController machines;
    private final EdgeConfig.Times times;
    private final Clock clock;
    private final EdgeCounters counters;
    private final ConcurrentHashMap<BackendState, Wake> underWay = new ConcurrentHashMap<>();

    /** One wake and the number of requests that wait for it. */
    final class Wake {
        private final BackendState backendState;
        private final boolean asks;
        private final CompletableFuture<WakeResult> result = new CompletableFuture<>();
        private int waiters = 1;

        private Wake(BackendState backendState, boolean asks) {
            this.backendState = backendState;
            this.asks = asks;
        }

        /** Completes on any thread, never with an exception. */
        CompletableFuture<WakeResult> result() {
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

        /** One waiting request leaves. The last one to leave abandons the wake; the next request begins another. */
        void leave() {
            if (last() && asks && ended(this)) {
                Thread _ = SupervisedThread.start("abandon-wake", () -> machines.abandonWake(backendState.id));
            }
        }
    }

    MachineWaker(MachineController machines, EdgeConfig.Times times, Clock clock, EdgeCounters counters) {
        this.machines = machines;
        this.times = times;
        this.clock = clock;
        this.counters = counters;
    }

    /**
     * Joins the wake of this machine, or begins it.
     *
     * @param loop probes the port, unless a probe is already running
     * @param ask whether to start the machine; if false it already runs, and only its port is awaited
     */
    Wake wake(BackendState backendState, Backend backend, EdgeLoop loop, boolean ask) {
        Wake mine = new Wake(backendState, ask);
        Wake now = underWay.compute(backendState, (l, other) -> {
            if (other != null && other.join()) {
                return other;
            }
            backendState.waking(true);
            return mine;
        });
        if (now != mine) {
            return now;
        }
        long began = clock.monoNanos();
        if (ask) {
            counters.wakes.increment();
            Thread _ = SupervisedThread.start(
                    "wake", "wake " + backendState.id, () -> ask(backendState, backend, loop, began, mine));
        } else {
            probeUntilOpen(backendState, backend, loop, began, times.port(), mine);
        }
        return mine;
    }

    private void ask(BackendState backendState, Backend before, EdgeLoop loop, long began, Wake wake) {
        CompletionStage<Backend> asked;
        try {
            asked = machines.wake(backendState.id, before.address().getPort());
        } catch (RuntimeException | Error e) {
            // The future must complete, or the waiting requests would never learn of the failure.
            asked = CompletableFuture.failedFuture(e);
        }
        asked.whenComplete((backend, failure) -> {
            if (failure != null) {
                Throwable cause = failure instanceof CompletionException && failure.getCause() != null
                        ? failure.getCause()
                        : failure;
                done(new WakeResult.Down(Problem.WAKE_FAILED, reason(cause)), wake);
            } else {
                loop.execute(() -> probeUntilOpen(backendState, backend, loop, began, left(began), wake));
            }
        });
    }

    /**
     * The rest of the hold time, less a tenth, so that waiting requests learn from this wake that the port is closed
     * before their own, less specific deadline expires.
     */
    private Duration left(long began) {
        long all = times.hold().toNanos() * 9 / 10;
        return Duration.ofNanos(Math.max(all - (clock.monoNanos() - began), all / 10));
    }

    private void probeUntilOpen(
            BackendState backendState, Backend backend, EdgeLoop loop, long began, Duration patience, Wake wake) {
        new ConnectProbe(loop, backendState, backend.address(), patience, (upstream, refused) -> {
                    if (upstream == null) {
                        done(silent(backendState.id, backend.address(), refused), wake);
                        return;
                    }
                    upstream.toPool();
                    backendState.wokenBackend(backend.withState(Backend.State.RUNNING));
                    backendState.restartIdleTimer(clock.monoNanos());
                    counters.countWake(clock.monoNanos() - began);
                    done(new WakeResult.Up(backend), wake);
                })
                .start();
    }

    /** Removes the wake from the table; returns false if it was no longer the machine's current one. */
    private boolean ended(Wake wake) {
        boolean[] current = new boolean[1];
        underWay.computeIfPresent(wake.backendState, (backendState, now) -> {
            if (now != wake) {
                return now;
            }
            current[0] = true;
            backendState.waking(false);
            return null;
        });
        return current[0];
    }

    private void done(WakeResult woken, Wake wake) {
        if (ended(wake) && woken instanceof WakeResult.Down) {
            counters.wakeFailures.increment();
        }
        wake.result.complete(woken);
    }

    private static WakeResult.Down silent(MachineId id, InetSocketAddress address, @Nullable Throwable refused) {
        boolean closed = refused instanceof ConnectException && !(refused instanceof ConnectTimeoutException);
        return closed
                ? new WakeResult.Down(
                        Problem.PORT_CLOSED,
                        "machine " + id + " runs, but nothing in it listens on port " + address.getPort())
                : new WakeResult.Down(
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
