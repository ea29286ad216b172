package org.allod.api;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.timeout.IdleStateHandler;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.allod.base.Failed;
import org.allod.base.Ids;
import org.allod.base.Rejected;

/**
 * Serves the endpoint table on TCP and on a Unix socket. One event loop moves bytes for both: the work is done on
 * virtual threads.
 */
public final class ApiServer implements AutoCloseable {
    /** A machine's configuration with its files: 1 MiB of file content in base64, and some. */
    static final int MAX_BODY = 4 << 20;

    private static final int IDLE_SECONDS = 120;
    private static final WriteBufferWaterMark WATER = new WriteBufferWaterMark(64 << 10, 256 << 10);

    private final EventLoopGroup loop;
    private final List<Channel> listeners = new ArrayList<>();
    private final Dispatcher dispatcher;
    private final Prover prover;
    private final Ids ids;

    public ApiServer(EndpointTable table, Prover prover, Limits limits, Ids ids) {
        this.loop = new MultiThreadIoEventLoopGroup(
                1, Thread.ofPlatform().daemon().name("api-", 0).factory(), EpollIoHandler.newFactory());
        this.dispatcher = new Dispatcher(table, limits);
        this.prover = prover;
        this.ids = ids;
    }

    /**
     * Listens on TCP; callers need the token.
     *
     * @return the address bound, which tells the port where 0 was asked for
     */
    public InetSocketAddress listen(InetSocketAddress address) {
        ServerBootstrap bootstrap = bootstrap()
                .channel(EpollServerSocketChannel.class)
                .option(ChannelOption.SO_REUSEADDR, true)
                .childHandler(child(channel -> Optional.empty()));
        try {
            Channel channel = bootstrap.bind(address).sync().channel();
            listeners.add(channel);
            return (InetSocketAddress) channel.localAddress();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Failed("interrupted while opening the API at " + address, e);
        } catch (Exception e) {
            throw Rejected.because(
                    Rejected.Reason.CONFLICT,
                    "cannot open the API at %s:%d: %s"
                            .formatted(address.getHostString(), address.getPort(), e.getMessage()),
                    "another program may hold the port (see: ss -ltnp); choose another with --api");
        }
    }

    /** Listens on a Unix socket that only root can open; the kernel tells who connects. */
    public void listen(Path socket) {
        try {
            Files.deleteIfExists(socket);
            ServerBootstrap bootstrap =
                    bootstrap().channel(EpollServerDomainSocketChannel.class).childHandler(child(ApiServer::peer));
            listeners.add(bootstrap
                    .bind(new DomainSocketAddress(socket.toFile()))
                    .sync()
                    .channel());
            Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-------"));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Failed("interrupted while opening the API at " + socket, e);
        } catch (IOException e) {
            throw new Failed("cannot open the API's socket " + socket + ": " + e.getMessage(), e);
        }
    }

    private ServerBootstrap bootstrap() {
        return new ServerBootstrap().group(loop).childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, WATER);
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

    private ChannelHandler child(Peer peer) {
        return new ChannelInitializer<Channel>() {
            @Override
            protected void initChannel(Channel channel) {
                channel.pipeline()
                        .addLast("idle", new IdleStateHandler(0, 0, IDLE_SECONDS, TimeUnit.SECONDS))
                        .addLast("http", new HttpServerCodec(4_096, 16_384, 16_384))
                        .addLast("whole", new WholeRequests(MAX_BODY, ids))
                        .addLast("api", new ApiConnection(dispatcher, prover, ids, peer.of(channel)));
            }
        };
    }

    @Override
    public void close() {
        listeners.forEach(Channel::close);
        loop.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly(3, TimeUnit.SECONDS);
    }
}
