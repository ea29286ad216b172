package org.allod.image;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.net.Socket;
import java.net.UnknownHostException;
import java.nio.channels.SocketChannel;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Makes the connections of a pull. A name is resolved once, each address is checked, and the connection goes to exactly
 * the checked address. Sockets are channels, so an interrupt ends any wait on them.
 */
final class PolicedConnector {
    private static final int CONNECT_MILLIS = 20_000;
    private static final int RESOLVE_SECONDS = 20;

    /** Maximum addresses of one name that are tried: the owner of the DNS name decides how many there are. */
    private static final int MOST_ADDRESSES = 8;

    /** Decides whether a connection may be made. */
    interface Judge {
        boolean allows(String host, int port, InetAddress address);
    }

    /** Resolves a name. */
    interface Names {
        List<InetAddress> of(String host) throws UnknownHostException;

        Names SYSTEM = host -> Arrays.asList(InetAddress.getAllByName(host));
    }

    /** Every address of the name is denied to the requester. */
    static final class Denied extends IOException {
        Denied(String host) {
            super(host + " leads to no address that is allowed");
        }
    }

    private final Judge judge;
    private final Names names;

    PolicedConnector(Judge judge, Names names) {
        this.judge = judge;
        this.names = names;
    }

    Socket connect(String host, int port) throws IOException {
        boolean tried = false;
        @Nullable IOException last = null;
        for (InetAddress address : resolve(host).stream().limit(MOST_ADDRESSES).toList()) {
            if (!judge.allows(host, port, address)) {
                continue;
            }
            tried = true;
            SocketChannel channel = SocketChannel.open();
            try {
                channel.socket().connect(new InetSocketAddress(address, port), CONNECT_MILLIS);
                return channel.socket();
            } catch (IOException e) {
                channel.close();
                last = e;
                if (Thread.currentThread().isInterrupted()) {
                    break;
                }
            }
        }
        if (!tried) {
            throw new Denied(host);
        }
        throw last == null ? new NoRouteToHostException(host) : last;
    }

    /** On another thread: the system's resolver ignores interrupts. */
    private List<InetAddress> resolve(String host) throws IOException {
        FutureTask<List<InetAddress>> task = new FutureTask<>(() -> names.of(host));
        Thread.ofPlatform().daemon().name("image: resolve").start(task);
        try {
            return task.get(RESOLVE_SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            throw new UnknownHostException(host + " (the resolver did not answer)");
        } catch (ExecutionException e) {
            if (e.getCause() instanceof UnknownHostException unknown) {
                throw unknown;
            }
            throw new IOException("could not resolve " + host, e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while resolving " + host, e);
        }
    }
}
