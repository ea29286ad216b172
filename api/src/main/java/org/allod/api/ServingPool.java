package org.allod.api;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.allod.base.Clock;
import org.allod.base.ConnectionCaps;
import org.allod.base.FatalErrors;
import org.allod.base.LoopFailures;
import org.allod.base.SupervisedThread;

/**
 * What the connections of one kind of listener share with each other and with nothing else: an event loop, memory
 * budgets, connections and worker threads. The event loop owns the sets of connections.
 */
final class ServingPool implements AutoCloseable {
    private static final long SWEEP_MILLIS = 250;
    private static final String SWEEP = "api-deadlines";

    final ApiConfig.Times times;
    final EventLoopGroup loop;
    final ConnectionCaps caps;
    final CallerBudget requests;
    final CallerBudget bodies;
    final CallerBudget answers;
    final LongAdder unproven = new LongAdder();
    final LongAdder expired = new LongAdder();

    private final Clock clock;
    private final Thread.Builder threads;
    private final Set<ApiConnection> connections = new HashSet<>();

    /** @param threads run the handlers; at most one for each connection */
    ServingPool(
            String name, ApiConfig.Pool bounds, ApiConfig.Times times, Clock clock, long seed, Thread.Builder threads) {
        this.times = times;
        this.clock = clock;
        this.threads = threads;
        caps = new ConnectionCaps(bounds.connections(), bounds.perAddress(), seed);
        requests = new CallerBudget(bounds.connections(), bounds.requestsPerCaller());
        bodies = new CallerBudget(bounds.bodyBytes(), bounds.bodyBytesPerCaller());
        answers = new CallerBudget(bounds.answerBytes(), bounds.answerBytesPerCaller());
        loop = new MultiThreadIoEventLoopGroup(
                1, Thread.ofPlatform().daemon().name(name + "-", 0).factory(), EpollIoHandler.newFactory());
        loop.scheduleWithFixedDelay(
                () -> SupervisedThread.run(SWEEP, this::sweep), SWEEP_MILLIS, SWEEP_MILLIS, TimeUnit.MILLISECONDS);
    }

    long now() {
        return clock.monoNanos();
    }

    Thread thread(String name, Runnable work) {
        return threads.name(name).unstarted(work);
    }

    void add(ApiConnection connection) {
        connections.add(connection);
    }

    void remove(ApiConnection connection) {
        connections.remove(connection);
    }

    /**
     * Closes the idle connection that has been silent longest, unauthenticated ones first, so that many idle
     * connections cannot keep others out. Call on the event loop.
     *
     * @return whether there was one
     */
    boolean makeRoom() {
        Optional<ApiConnection> waiting = connections.stream()
                .filter(ApiConnection::onlyWaits)
                .min(Comparator.comparing(ApiConnection::known).thenComparingLong(ApiConnection::waitsSince));
        // Its close event still follows, but its place must not be released twice.
        waiting.ifPresent(connections::remove);
        waiting.ifPresent(ApiConnection::giveWay);
        return waiting.isPresent();
    }

    private void sweep() {
        long now = now();
        for (ApiConnection connection : List.copyOf(connections)) {
            try {
                connection.tick(now);
            } catch (RuntimeException | Error e) {
                // The deadlines of all others are still kept.
                FatalErrors.check(e);
                LoopFailures.ofProcess().report(SWEEP, e);
            }
        }
    }

    ApiStats.Pool stats() {
        return new ApiStats.Pool(
                caps.open(),
                caps.refused(),
                caps.refusedByAddress(),
                unproven.sum(),
                requests.refused(),
                bodies.refused(),
                answers.refused(),
                expired.sum(),
                bodies.taken(),
                answers.taken(),
                requests.taken());
    }

    @Override
    public void close() {
        loop.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly(3, TimeUnit.SECONDS);
    }
}
