package org.allod.runtime;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import org.allod.base.Timers;

/** Unix sockets of processes that may be stuck: whoever does not accept lets callers wait in line, and then at the door. */
final class Sockets {
    private Sockets() {}

    /** Connects, or throws once {@code bound} has passed. */
    static SocketChannel connect(Path path, Timers timers, Duration bound) throws IOException {
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
