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
import org.allod.base.Ids;
import org.allod.base.Rng;

/**
 * One event loop and what belongs to it: its clients, the requests of theirs that wait for a change, the readers and
 * writers of heads. Everything is for its own thread, but {@link #execute}, {@link #nudge} and {@link #closing}.
 */
@SuppressWarnings("FutureReturnValueIgnored") // Netty tells of failures by channelInactive and exceptionCaught.
final class Loop {
    private static final long SWEEP_MILLIS = 250;

    final int index;
    final EventLoop events;
    final Shared shared;
    final RequestHead requestHead;
    final ResponseHead responseHead;
    final HeadWriter out = new HeadWriter();
    final Rng rng;
    final Ids ids;

    private final Clock clock;
    private final Bootstrap dialer;
    private final List<Client> clients = new ArrayList<>();
    private final List<Placement> waiting = new ArrayList<>();
    /** Machines to which a connection is, or lately was, free: of a hundred thousand that sleep none is looked at. */
    private final Set<Live> pooled = new HashSet<>();

    private final AtomicBoolean nudged = new AtomicBoolean();
    /** The size of {@code waiting}, for other threads. */
    private volatile int waitingCount;

    Loop(int index, EventLoop events, Class<? extends SocketChannel> channel, Shared shared, Clock clock, Rng rng) {
        this.index = index;
        this.events = events;
        this.shared = shared;
        this.clock = clock;
        this.rng = rng;
        this.ids = new Ids(clock, rng.fork("ids"));
        requestHead = new RequestHead(shared.config().limits());
        responseHead = new ResponseHead(shared.config().limits());
        dialer = new Bootstrap()
                .group(events)
                .channel(channel)
                .option(ChannelOption.ALLOCATOR, PooledByteBufAllocator.DEFAULT)
                .option(ChannelOption.TCP_NODELAY, true)
                .option(ChannelOption.ALLOW_HALF_CLOSURE, true);
    }

    void start() {
        events.scheduleWithFixedDelay(this::sweep, SWEEP_MILLIS, SWEEP_MILLIS, TimeUnit.MILLISECONDS);
    }

    long now() {
        return clock.monoNanos();
    }

    boolean closing() {
        return shared.closing();
    }

    boolean mine() {
        return events.inEventLoop();
    }

    /** Runs it on this loop, soon; not at all where the edge is closed. */
    void execute(Runnable task) {
        try {
            events.execute(task);
        } catch (RejectedExecutionException closed) {
            // Whoever waited for this was on the loop, and went with it.
        }
    }

    void after(int millis, Runnable task) {
        events.schedule(task, millis, TimeUnit.MILLISECONDS);
    }

    /** Opens a connection to a machine. */
    void dial(Live live, InetSocketAddress address, int timeoutMillis, Knock.Answer answer) {
        shared.metrics().dials.increment();
        Upstream upstream = new Upstream(this, live);
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

    void add(Client client) {
        client.place = clients.size();
        clients.add(client);
    }

    void remove(Client client) {
        Client last = clients.removeLast();
        if (!last.equals(client)) {
            clients.set(client.place, last);
            last.place = client.place;
        }
    }

    void await(Placement placement) {
        waiting.add(placement);
        waitingCount = waiting.size();
    }

    void forget(Placement placement) {
        waiting.remove(placement);
        waitingCount = waiting.size();
    }

    /**
     * Something changed, so that requests that wait may find a machine now. From any thread. Costs next to nothing
     * where none waits: a request that is about to wait looks once more after it is counted, so none is missed.
     */
    void nudge() {
        if (waitingCount > 0 && nudged.compareAndSet(false, true)) {
            execute(() -> {
                nudged.set(false);
                for (Placement placement : List.copyOf(waiting)) {
                    placement.changed();
                }
            });
        }
    }

    /** A connection to this machine is free now; it is closed once nobody has taken it for a while. */
    void pooled(Live live) {
        pooled.add(live);
    }

    /** Closes free connections to a machine, and lets go of idle clients that count as its load. */
    void empty(Live live) {
        var _ = live.pool(index).closeOlder(0, true);
        for (Client client : List.copyOf(clients)) {
            client.unpinIdle(live);
        }
    }

    /** Ends clients that have no request under way, or all of them. */
    void closeClients(boolean all) {
        for (Client client : List.copyOf(clients)) {
            client.edgeCloses(all);
        }
    }

    private void sweep() {
        long now = now();
        for (int i = clients.size() - 1; i >= 0; i--) {
            if (i < clients.size()) {
                clients.get(i).tick(now);
            }
        }
        long old = now - shared.config().times().pooled().toNanos();
        pooled.removeIf(live -> !live.pool(index).closeOlder(old, false));
    }
}
