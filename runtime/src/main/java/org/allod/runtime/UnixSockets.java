package org.allod.runtime;

import java.io.IOException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;
import java.time.Duration;
import jdk.net.ExtendedSocketOptions;
import org.allod.base.Poll;
import org.allod.base.Timers;

/**
 * Connects to Unix sockets of processes that may hang: if a process does not accept, connections first queue in the
 * backlog and then block.
 */
final class UnixSockets {
    /** A socket has its name a moment before it accepts connections; one without a listener refuses for good. */
    private static final Duration LISTENING = Duration.ofMillis(200);

    private static final Duration LOOK = Duration.ofMillis(2);

    private UnixSockets() {}

    /** Connects to a socket on which a process of this user listens; throws after {@code bound}. */
    static SocketChannel connect(Path path, int uid, Timers timers, Duration bound) throws IOException {
        SocketChannel channel = connect(path, timers, bound);
        try {
            UserPrincipal expected =
                    path.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName(Integer.toString(uid));
            UserPrincipal peer =
                    channel.getOption(ExtendedSocketOptions.SO_PEERCRED).user();
            if (!peer.equals(expected)) {
                throw new IOException("user " + peer.getName() + " answers at " + path + ", not " + uid);
            }
            return channel;
        } catch (IOException e) {
            close(channel);
            throw e;
        }
    }

    /** Connects, or throws after {@code bound}. */
    private static SocketChannel connect(Path path, Timers timers, Duration bound) throws IOException {
        SocketChannel[] made = new SocketChannel[1];
        IOException[] why = {new IOException("no answer")};
        boolean _ = Poll.within(LISTENING, LOOK, () -> {
            try {
                made[0] = once(path, timers, bound);
                return true;
            } catch (IOException e) {
                why[0] = e;
                return !(e instanceof ConnectException);
            }
        });
        if (made[0] == null) {
            throw why[0];
        }
        return made[0];
    }

    private static SocketChannel once(Path path, Timers timers, Duration bound) throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        Timers.Timer timer = timers.after(bound, () -> close(channel));
        try {
            channel.connect(UnixDomainSocketAddress.of(path));
            return channel;
        } catch (ClosedChannelException e) {
            throw new IOException(path + " takes no call within " + bound.toMillis() + " ms", e);
        } catch (IOException e) {
            close(channel);
            throw e;
        } finally {
            timer.cancel();
        }
    }

    private static void close(SocketChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            // The socket counts as closed.
        }
    }
}
