package org.allod.edge;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.allod.base.Clock;
import org.allod.base.ConnectionCaps;
import org.allod.base.FailedException;
import org.allod.base.MachineId;
import org.allod.base.RejectedException;
import org.allod.base.Rng;
import org.allod.base.SupervisedThread;
import org.allod.base.Timers;
import org.jspecify.annotations.Nullable;

/**
 * A running edge. {@link #start} opens it, {@link #publish} gives it each new catalog, and {@link #close} ends it after
 * letting requests finish. Every method may be called from any thread.
 */
public final class Edge implements AutoCloseable {
    static final System.Logger LOG = System.getLogger("org.allod.edge");

    private final EdgeConfig config;
    private final Clock clock;
    private final Timers timers;
    private final EdgeCounters counters = new EdgeCounters();
    private final MultiThreadIoEventLoopGroup group;
    private final List<EdgeLoop> loops = new ArrayList<>();
    private final ChannelGroup clients = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
    private final Channel listener;
    private final Listeners listeners;
    private final SniContexts tls;
    private final AutostopLoop idler;
    private final LiveBackends liveBackends;
    private final ConnectionCaps caps;
    /** Refused connections that are being sent the reason now. */
    private final AtomicInteger refusalsInProgress = new AtomicInteger();

    private volatile RouteTable routes = RouteTable.EMPTY;
    /** The catalog that {@link #routes} was built from; guarded by the lock of {@link #publish}. */
    private Catalog published = Catalog.EMPTY;

    private volatile CustomHosts hosts = CustomHosts.NONE;
    private volatile boolean closing;

    /**
     * Opens the port and accepts requests from then on; until the first {@link #publish} every host is unknown.
     *
     * @param machines wakes and stops machines
     * @throws RejectedException if the address cannot be bound; the message says what to do
     */
    public static Edge start(EdgeConfig config, MachineController machines, Clock clock, Timers timers, Rng rng) {
        return start(config, machines, EdgeCertificates.NONE, clock, timers, rng);
    }

    /**
     * As above, with TLS on the ports that request it.
     *
     * @param certificates the edge's own certificates
     */
    public static Edge start(
            EdgeConfig config,
            MachineController machines,
            EdgeCertificates certificates,
            Clock clock,
            Timers timers,
            Rng rng) {
        return new Edge(config, machines, certificates, clock, timers, rng);
    }

    private Edge(
            EdgeConfig config,
            MachineController machines,
            EdgeCertificates certificates,
            Clock clock,
            Timers timers,
            Rng rng) {
        this.config = config;
        this.tls = new SniContexts(certificates, () -> hosts, config.domain(), clock);
        this.clock = clock;
        this.timers = timers;
        liveBackends = new LiveBackends(backend ->
                new BackendState(backend.id(), loops.size(), config.limits().idlePerMachine(), clock.monoNanos()));
        caps = new ConnectionCaps(
                config.limits().connections(),
                config.limits().perAddress(),
                rng.fork("connections").nextLong());
        Transport transport = Transport.pick(config.nativeTransport());
        EdgeContext context = new Common(new MachineWaker(machines, config.times(), clock, counters));
        group = transport.group(
                config.threads() > 0 ? config.threads() : Runtime.getRuntime().availableProcessors());
        Map<EventExecutor, EdgeLoop> byExecutor = new HashMap<>();
        for (EventExecutor executor : group) {
            int index = loops.size();
            EdgeLoop loop = new EdgeLoop(
                    index, (EventLoop) executor, transport.client(), context, clock, rng.fork("edge loop " + index));
            loops.add(loop);
            byExecutor.put(executor, loop);
        }
        listener = awaitBound(listen(transport, byExecutor, ListenerSpec.MAIN, config.listen()));
        listeners = new Listeners(spec -> listen(transport, byExecutor, spec, address(spec)));
        loops.forEach(EdgeLoop::start);
        idler = new AutostopLoop(this, machines, config.times(), clock, timers, counters);
        idler.start();
    }

    private InetSocketAddress address(ListenerSpec spec) {
        return spec.port() == ListenerSpec.HTTPS
                ? config.https()
                : new InetSocketAddress(config.listen().getAddress(), spec.port());
    }

    private ChannelFuture listen(
            Transport transport, Map<EventExecutor, EdgeLoop> byExecutor, ListenerSpec spec, InetSocketAddress at) {
        return new ServerBootstrap()
                .group(group)
                .channel(transport.server())
                .option(ChannelOption.SO_BACKLOG, 4096)
                .option(ChannelOption.SO_REUSEADDR, true)
                .handler(new EdgeConnectionGate(
                        caps, refusalsInProgress, !spec.tls() && spec.raw().isEmpty(), loops))
                .childOption(ChannelOption.ALLOCATOR, PooledByteBufAllocator.DEFAULT)
                .childOption(ChannelOption.TCP_NODELAY, true)
                .childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
                .childHandler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        clients.add(channel);
                        EdgeLoop loop = java.util.Objects.requireNonNull(byExecutor.get(channel.eventLoop()));
                        if (spec.tls()) {
                            channel.pipeline().addLast(tls.handler());
                        }
                        channel.pipeline()
                                .addLast(
                                        spec.raw().isEmpty()
                                                ? new ClientConnection(loop, spec)
                                                : new TcpConnection(loop, spec));
                    }
                })
                .bind(at);
    }

    private Channel awaitBound(ChannelFuture binding) {
        ChannelFuture bound = binding.awaitUninterruptibly();
        if (bound.isSuccess()) {
            return bound.channel();
        }
        var _ = group.shutdownGracefully(0, 0, TimeUnit.SECONDS);
        String where = config.listen().getHostString() + ":" + config.listen().getPort();
        throw cannotListen(where, String.valueOf(bound.cause().getMessage()));
    }

    private static RuntimeException cannotListen(String where, String why) {
        if (why.contains("in use")) {
            return RejectedException.because(
                    RejectedException.Reason.CONFLICT,
                    "the edge cannot listen on " + where + ": another process does",
                    "Stop that process (ss -ltnp shows it), or choose another address with --edge ADDRESS:PORT");
        }
        if (why.contains("ermission")) {
            return RejectedException.because(
                    RejectedException.Reason.FORBIDDEN,
                    "the edge may not listen on " + where + ": ports below 1024 are for root",
                    "Run as root, or choose a higher port with --edge ADDRESS:PORT");
        }
        if (why.contains("assign requested address") || why.contains("nresolved")) {
            return RejectedException.because(
                    RejectedException.Reason.INVALID,
                    "the edge cannot listen on " + where + ": this host has no such address",
                    "Choose one of the host's addresses (ip addr shows them) with --edge ADDRESS:PORT");
        }
        return new FailedException("the edge cannot listen on " + where + ": " + why);
    }

    /** The address it listens on, with the chosen port if port 0 was requested. */
    public InetSocketAddress address() {
        return (InetSocketAddress) listener.localAddress();
    }

    /**
     * Checks that this port can be opened, by binding it for a moment.
     *
     * @param port as a service declares it
     * @throws RejectedException if another program holds it
     */
    public void admit(int port) {
        if (port == ListenerSpec.HTTP || port == address().getPort() || listeners.has(port)) {
            return;
        }
        InetSocketAddress at = address(ListenerSpec.http(port));
        try (ServerSocket trial = new ServerSocket()) {
            trial.setReuseAddress(true);
            trial.bind(at);
        } catch (IOException e) {
            throw RejectedException.because(
                    RejectedException.Reason.CONFLICT,
                    "config.services: port %d cannot be opened at %s on this host: %s"
                            .formatted(port, at.getHostString() + ":" + at.getPort(), e.getMessage()),
                    port == ListenerSpec.HTTPS
                            ? "choose another address for TLS with --edge-tls ADDRESS:PORT"
                            : "choose another port, or end the program that has it (ss -ltnp shows it)");
        }
    }

    /**
     * Routes by this catalog from now on and re-routes held requests. Unchanged parts that the catalog shares with the
     * previous one cost nothing; a machine counts as changed if its {@link Backend} is another object.
     */
    public synchronized void publish(Catalog catalog) {
        long now = clock.monoNanos();
        List<Backend> left = new ArrayList<>();
        routes = new RouteTable(catalog.apps()
                .compare(
                        published.apps(),
                        routes.byApp(),
                        (name, was, is, before) -> route(was, is, before, left, now)));
        published = catalog;
        if (!closing) {
            listeners.follow(catalog.doors());
        }
        left.forEach(backend -> liveBackends.sweep(backend, backendState -> {
            backendState.drain(true);
            loops.forEach(loop -> loop.execute(() -> loop.empty(backendState)));
        }));
        loops.forEach(EdgeLoop::nudge);
    }

    /** @param left receives the backends that the app no longer has */
    @SuppressWarnings("ReferenceEquality") // an unchanged app is the same object in both catalogs
    private @Nullable AppRoute route(
            @Nullable CatalogApp was,
            @Nullable CatalogApp is,
            @Nullable AppRoute before,
            List<Backend> left,
            long now) {
        if (was == is) {
            return before;
        }
        ChunkedList<Backend> old = was == null ? ChunkedList.empty() : was.backends();
        ChunkedList<Backend> next = is == null ? ChunkedList.empty() : is.backends();
        ChunkedList<BackendState> lives = next.compare(
                old, before == null ? ChunkedList.empty() : before.lives(), backend -> liveBackends.use(backend, now));
        old.notIn(next, backend -> {
            liveBackends.leave(backend);
            left.add(backend);
        });
        return is == null
                ? null
                : new AppRoute(is, lives, before == null ? new HoldLimit(config.limits()) : before.room());
    }

    /** Replaces the custom host names. Open connections are not affected. */
    public void hosts(CustomHosts now) {
        hosts = now;
    }

    /**
     * Drains a machine before something other than the edge stops or suspends it: it receives no new requests, idle
     * connections to it are closed at once and the others when their request ends. It receives traffic again when a
     * catalog shows that it was down and runs again, or after {@link #undrain}.
     *
     * @return completes, on a thread that may block, with true when no request is in flight; with false if that takes
     *     longer than {@code atMost}
     */
    public CompletionStage<Boolean> drain(MachineId machine, Duration atMost) {
        List<BackendState> lives = liveBackends.of(machine);
        if (lives.isEmpty()) {
            return CompletableFuture.completedFuture(true);
        }
        lives.forEach(backendState -> backendState.drain(true));
        List<CompletableFuture<?>> all = new ArrayList<>();
        lives.forEach(backendState -> all.add(backendState.whenEmpty().copy()));
        lives.forEach(backendState -> all.add(free(backendState)));
        CompletableFuture<Boolean> emptied =
                CompletableFuture.allOf(all.toArray(CompletableFuture[]::new)).thenApply(nothing -> true);
        Timers.Timer timer = timers.after(atMost, () -> emptied.complete(false));
        return emptied.thenApplyAsync(
                empty -> {
                    timer.cancel();
                    return empty;
                },
                task -> SupervisedThread.start("edge-drained", task));
    }

    /** Sends requests to the machine again after a {@link #drain} that no stop followed. */
    public void undrain(MachineId machine) {
        List<BackendState> lives = liveBackends.of(machine);
        if (!lives.isEmpty()) {
            lives.forEach(backendState -> backendState.drain(false));
            loops.forEach(EdgeLoop::nudge);
        }
    }

    /** Closes idle connections to the machine on every loop. */
    CompletableFuture<Void> free(BackendState backendState) {
        return CompletableFuture.allOf(loops.stream()
                .map(loop -> CompletableFuture.runAsync(() -> loop.empty(backendState), loop::execute))
                .toArray(CompletableFuture[]::new));
    }

    RouteTable routes() {
        return routes;
    }

    /** The state of each port of a machine. */
    List<BackendState> lives(MachineId machine) {
        return liveBackends.of(machine);
    }

    void nudgeAll() {
        for (EdgeLoop loop : loops) {
            loop.nudge();
        }
    }

    public EdgeStats stats() {
        return counters.snapshot(liveBackends.load(), caps);
    }

    /** Stops accepting, lets requests in flight finish within {@code drain}, then closes the remaining connections. */
    @Override
    public void close() {
        closing = true;
        idler.close();
        synchronized (this) {
            listeners.close();
        }
        listener.close().awaitUninterruptibly();
        loops.forEach(loop -> loop.execute(() -> loop.closeClients(false)));
        nudgeAll();
        clients.newCloseFuture().awaitUninterruptibly(config.times().drain().toMillis());
        loops.forEach(loop -> loop.execute(() -> loop.closeClients(true)));
        clients.newCloseFuture().awaitUninterruptibly(1000);
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(3000);
    }

    private final class Common implements EdgeContext {
        private final MachineWaker waker;

        Common(MachineWaker waker) {
            this.waker = waker;
        }

        @Override
        public EdgeConfig config() {
            return config;
        }

        @Override
        public EdgeCounters metrics() {
            return counters;
        }

        @Override
        public MachineWaker wakes() {
            return waker;
        }

        @Override
        public RouteTable routes() {
            return routes;
        }

        @Override
        public CustomHosts hosts() {
            return hosts;
        }

        @Override
        public boolean closing() {
            return closing;
        }

        @Override
        public void nudgeAll() {
            Edge.this.nudgeAll();
        }
    }
}
