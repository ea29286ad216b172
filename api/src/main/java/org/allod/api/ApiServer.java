package org.allod.api;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.handler.codec.http.HttpResponseEncoder;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.allod.base.Clock;
import org.allod.base.FailedException;
import org.allod.base.IdGenerator;
import org.allod.base.RejectedException;
import org.allod.base.Rng;

/**
 * Serves the endpoint table on TCP and on a Unix socket, each with its own {@link ServingPool}. Event loops only move
 * bytes. Requests over TCP run on virtual threads; those of the Unix socket run on platform threads, which the kernel
 * schedules however many virtual threads are runnable.
 */
public final class ApiServer implements AutoCloseable {
    private static final WriteBufferWaterMark WATER = new WriteBufferWaterMark(64 << 10, 256 << 10);

    /** Maximum bytes of one read: a held connection buffers no more than this and a partial head. */
    private static final int MAX_READ = 16 << 10;

    private final ServingPool tcp;
    private final ServingPool local;
    private final List<Channel> listeners = new ArrayList<>();
    private final Dispatcher dispatcher;
    private final Authenticator authenticator;
    private final IdGenerator ids;

    public ApiServer(
            EndpointTable table,
            Authenticator authenticator,
            RateLimits limits,
            IdGenerator ids,
            ApiConfig config,
            Clock clock,
            Rng rng) {
        this.tcp = new ServingPool("api", config.tcp(), config.times(), clock, rng.nextLong(), Thread.ofVirtual());
        this.local = new ServingPool(
                "api-local",
                config.local(),
                config.times(),
                clock,
                rng.nextLong(),
                Thread.ofPlatform().daemon());
        this.dispatcher = new Dispatcher(table, limits);
        this.authenticator = authenticator;
        this.ids = ids;
    }

    /**
     * Listens on TCP; callers authenticate with a token.
     *
     * @return the bound address, with the chosen port if port 0 was requested
     */
    public InetSocketAddress listen(InetSocketAddress address) {
        ServerBootstrap bootstrap = bootstrap(tcp, channel -> Optional.empty())
                .channel(EpollServerSocketChannel.class)
                .option(ChannelOption.SO_REUSEADDR, true)
                // Keep-alive lets the kernel detect a peer that vanished, also on an upgraded connection.
                .childOption(ChannelOption.SO_KEEPALIVE, true);
        try {
            Channel channel = bootstrap.bind(address).sync().channel();
            listeners.add(channel);
            return (InetSocketAddress) channel.localAddress();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FailedException("interrupted while opening the API at " + address, e);
        } catch (Exception e) {
            throw RejectedException.because(
                    RejectedException.Reason.CONFLICT,
                    "cannot open the API at %s:%d: %s"
                            .formatted(address.getHostString(), address.getPort(), e.getMessage()),
                    "another program may hold the port (see: ss -ltnp); choose another with --api");
        }
    }

    /** Listens on a Unix socket that only root can open; the kernel identifies the peer. */
    public void listen(Path socket) {
        try {
            Files.deleteIfExists(socket);
            ServerBootstrap bootstrap = bootstrap(local, ApiServer::peer).channel(EpollServerDomainSocketChannel.class);
            listeners.add(bootstrap
                    .bind(new DomainSocketAddress(socket.toFile()))
                    .sync()
                    .channel());
            Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-------"));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FailedException("interrupted while opening the API at " + socket, e);
        } catch (IOException e) {
            throw new FailedException("cannot open the API's socket " + socket + ": " + e.getMessage(), e);
        }
    }

    private ServerBootstrap bootstrap(ServingPool pool, Peer peer) {
        return new ServerBootstrap()
                .group(pool.loop)
                .handler(new ApiConnectionGate(pool.caps, pool::makeRoom))
                .childHandler(child(pool, peer))
                .childOption(ChannelOption.RECVBUF_ALLOCATOR, new AdaptiveRecvByteBufAllocator(512, 2_048, MAX_READ))
                .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, WATER);
    }

    private interface Peer {
        Optional<Caller> of(Channel channel);
    }

    private static Optional<Caller> peer(Channel channel) {
        try {
            return Optional.of(new Caller.Local(
                    ((EpollDomainSocketChannel) channel).peerCredentials().uid()));
        } catch (IOException e) {
            return Optional.of(new Caller.Local(-1));
        }
    }

    private ChannelHandler child(ServingPool pool, Peer peer) {
        return new ChannelInitializer<Channel>() {
            @Override
            protected void initChannel(Channel channel) {
                ConnectionDeadlines deadlines = new ConnectionDeadlines(pool.times, pool.now());
                RequestDecoder decoder = new RequestDecoder(() -> deadlines.begun(pool.now()));
                Callers callers =
                        new Callers(dispatcher, authenticator, pool, peer.of(channel), channel.remoteAddress());
                channel.pipeline()
                        .addLast("decoder", decoder)
                        .addLast("encoder", new HttpResponseEncoder())
                        .addLast("whole", new RequestAggregator(callers, pool.bodies, deadlines))
                        .addLast("api", new ApiConnection(pool, dispatcher, decoder, deadlines, ids));
            }
        };
    }

    /** Counters and levels of both listeners. */
    public ApiStats stats() {
        return new ApiStats(tcp.stats(), local.stats());
    }

    @Override
    public void close() {
        listeners.forEach(Channel::close);
        tcp.close();
        local.close();
    }
}
