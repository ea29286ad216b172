package org.allod.edge;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.socket.SocketChannel;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.allod.base.Clock;
import org.allod.base.FatalErrors;
import org.allod.base.IdGenerator;
import org.allod.base.LoopFailures;
import org.allod.base.Rng;
import org.allod.base.SupervisedThread;
import org.jspecify.annotations.Nullable;

/**
 * One event loop and what belongs to it: its clients, their held requests, and the parsers and writers of message
 * heads. Only its own thread may call it, except for {@link #execute}, {@link #nudge}, {@link
 * #makeRoom} and {@link #closing}.
 */
@SuppressWarnings("FutureReturnValueIgnored") // Netty reports failures through channelInactive and exceptionCaught
final class EdgeLoop {
    private static final long SWEEP_MILLIS = 250;
    private static final String SWEEP = "edge-deadlines";
    /** Clients that are looked at to find one that gives way. */
    private static final int SAMPLE = 256;

    final int index;
    final EventLoop events;
    final EdgeContext context;
    final RequestHead requestHead;
    final ResponseHead responseHead;
    final HeadWriter out = new HeadWriter();
    final Rng rng;
    final IdGenerator ids;

    private final Clock clock;
    private final Bootstrap dialer;
    private final List<ClientChannel> clients = new ArrayList<>();
    private final List<UpstreamAcquisition> waiting = new ArrayList<>();
    /**
     * Machines that have, or recently had, an idle connection: a sweep visits only these and none of the thousands that
     * sleep.
     */
    private final Set<BackendState> trackPool = new HashSet<>();

    private final AtomicBoolean makingRoom = new AtomicBoolean();
    private final AtomicBoolean nudged = new AtomicBoolean();
    /** The size of {@code waiting}, readable by other threads. */
    private volatile int waitingCount;

    EdgeLoop(
            int index,
            EventLoop events,
            Class<? extends SocketChannel> channel,
            EdgeContext context,
            Clock clock,
            Rng rng) {
        this.index = index;
        this.events = events;
        this.context = context;
        this.clock = clock;
        this.rng = rng;
        this.ids = new IdGenerator(clock, rng.fork("ids"));
        requestHead = new RequestHead(context.config().limits());
        responseHead = new ResponseHead(context.config().limits());
        dialer = new Bootstrap()
                .group(events)
                .channel(channel)
                .option(ChannelOption.ALLOCATOR, PooledByteBufAllocator.DEFAULT)
                .option(ChannelOption.TCP_NODELAY, true)
                .option(ChannelOption.ALLOW_HALF_CLOSURE, true);
    }

    void start() {
        events.scheduleWithFixedDelay(
                () -> SupervisedThread.run(SWEEP, this::sweep), SWEEP_MILLIS, SWEEP_MILLIS, TimeUnit.MILLISECONDS);
    }

    long now() {
        return clock.monoNanos();
    }

    boolean closing() {
        return context.closing();
    }

    boolean inLoop() {
        return events.inEventLoop();
    }

    /** Runs the task on this loop soon; drops it if the edge is closed. */
    void execute(Runnable task) {
        try {
            events.execute(task);
        } catch (RejectedExecutionException closed) {
            // The edge is closed: whatever waited for the task ended with its loop.
        }
    }

    void after(int millis, Runnable task) {
        events.schedule(task, millis, TimeUnit.MILLISECONDS);
    }

    /** Opens a connection to a machine. */
    void dial(BackendState backendState, InetSocketAddress address, int timeoutMillis, ConnectProbe.Answer answer) {
        context.metrics().dials.increment();
        UpstreamConnection upstream = new UpstreamConnection(this, backendState);
        ChannelFuture connecting = dialer.clone()
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, timeoutMillis)
                .handler(upstream)
                .connect(address);
        connecting.addListener(future -> {
            if (future.isSuccess()) {
                answer.opened(upstream, null);
            } else {
                answer.opened(null, future.cause());
            }
        });
    }

    void add(ClientChannel client) {
        client.place = clients.size();
        clients.add(client);
    }

    void remove(ClientChannel client) {
        ClientChannel last = clients.removeLast();
        if (!last.equals(client)) {
            clients.set(client.place, last);
            last.place = client.place;
        }
    }

    /**
     * Has the client give way that has waited longest with nothing under way: of all, or of {@value #SAMPLE} where there
     * are more, which finds one of the old ones without a look at each (as Redis evicts). From any thread.
     *
     * @param done told once it has closed, or there was none
     * @return whether it was asked; not while an earlier request is under way
     */
    boolean makeRoom(Runnable done) {
        if (!makingRoom.compareAndSet(false, true)) {
            return false;
        }
        try {
            events.execute(() -> {
                ClientChannel oldest = longestWaiting();
                Runnable over = () -> {
                    makingRoom.set(false);
                    done.run();
                };
                if (oldest == null) {
                    over.run();
                } else {
                    oldest.context().channel().closeFuture().addListener(closed -> over.run());
                    oldest.context().close();
                }
            });
            return true;
        } catch (RejectedExecutionException closed) {
            return false;
        }
    }

    private @Nullable ClientChannel longestWaiting() {
        int count = clients.size();
        int looked = Math.min(count, SAMPLE);
        int from = count > looked ? rng.nextInt(count) : 0;
        ClientChannel oldest = null;
        for (int i = 0; i < looked; i++) {
            ClientChannel client = clients.get((from + i) % count);
            if (client.givesWay() && (oldest == null || client.waitsSince() - oldest.waitsSince() < 0)) {
                oldest = client;
            }
        }
        return oldest;
    }

    void await(UpstreamAcquisition acquisition) {
        waiting.add(acquisition);
        waitingCount = waiting.size();
    }

    void forget(UpstreamAcquisition acquisition) {
        waiting.remove(acquisition);
        waitingCount = waiting.size();
    }

    /**
     * Re-routes held requests, because something changed. From any thread. Costs next to nothing if none is held: a
     * request that is about to wait is counted first and then tries once more, so none is missed.
     */
    void nudge() {
        if (waitingCount > 0 && nudged.compareAndSet(false, true)) {
            execute(() -> {
                nudged.set(false);
                for (UpstreamAcquisition acquisition : List.copyOf(waiting)) {
                    acquisition.onCatalogChange();
                }
            });
        }
    }

    /**
     * Registers a machine with an idle connection; the sweep closes the connection if nothing takes it for {@code
     * pooled}.
     */
    void trackPool(BackendState backendState) {
        trackPool.add(backendState);
    }

    /** Closes idle connections to a machine, and unpins idle clients that count as its load. */
    void empty(BackendState backendState) {
        var _ = backendState.pool(index).closeOlder(0, true);
        for (ClientChannel client : List.copyOf(clients)) {
            client.unpinIdle(backendState);
        }
    }

    /** Closes clients without a request in flight, or all of them. */
    void closeClients(boolean all) {
        for (ClientChannel client : List.copyOf(clients)) {
            client.edgeCloses(all);
        }
    }

    /** One client that fails must not end the deadlines of all. */
    private static void tick(ClientChannel client, long now) {
        try {
            client.tick(now);
        } catch (RuntimeException | Error e) {
            FatalErrors.check(e);
            LoopFailures.ofProcess().report(SWEEP, e);
        }
    }

    private void sweep() {
        long now = now();
        for (int i = clients.size() - 1; i >= 0; i--) {
            if (i < clients.size()) {
                tick(clients.get(i), now);
            }
        }
        long old = now - context.config().times().pooled().toNanos();
        trackPool.removeIf(backendState -> !backendState.pool(index).closeOlder(old, false));
    }
}
