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

/** Unix sockets of processes that may be stuck: whoever does not accept lets callers wait in line, and then at the door. */
final class UnixSockets {
    /** A socket has its name a moment before it is listened on; one that nobody listens on any more refuses for good. */
    private static final Duration LISTENING = Duration.ofMillis(200);

    private static final Duration LOOK = Duration.ofMillis(2);

    private UnixSockets() {}

    /** Connects to a socket that a process of this user listens on, or throws once {@code bound} has passed. */
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

    /** Connects, or throws once {@code bound} has passed. */
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
            // It is closed as far as anybody can tell.
        }
    }
}
