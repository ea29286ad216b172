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

/**
 * What the connections of one kind of listener share, and share with nobody else: an event loop, memory, connections and
 * threads to work on. The sets of connections belong to the event loop.
 */
final class ServingPool implements AutoCloseable {
    private static final long SWEEP_MILLIS = 250;

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

    /**
     * @param threads on which requests are answered; there is one at work for each connection at most
     */
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
        loop.scheduleWithFixedDelay(this::sweep, SWEEP_MILLIS, SWEEP_MILLIS, TimeUnit.MILLISECONDS);
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
     * Closes the connection that has been silent longest with no request on it, one that has proved nothing before one
     * that has, so that a crowd which only holds connections keeps nobody out. On the event loop.
     *
     * @return whether there was one
     */
    boolean makeRoom() {
        Optional<ApiConnection> waiting = connections.stream()
                .filter(ApiConnection::onlyWaits)
                .min(Comparator.comparing(ApiConnection::known).thenComparingLong(ApiConnection::waitsSince));
        // It is still told that it has closed, but by then its place must not be given away twice.
        waiting.ifPresent(connections::remove);
        waiting.ifPresent(ApiConnection::giveWay);
        return waiting.isPresent();
    }

    private void sweep() {
        long now = now();
        for (ApiConnection connection : List.copyOf(connections)) {
            connection.tick(now);
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
