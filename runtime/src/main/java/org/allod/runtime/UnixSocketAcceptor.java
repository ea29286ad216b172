package org.allod.runtime;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.allod.base.LoopFailures;
import org.allod.base.RetryBackoff;
import org.allod.base.Rng;
import org.allod.base.SupervisedThread;
import org.allod.linux.TreeDeleter;
import org.jspecify.annotations.Nullable;

/**
 * Accepts a guest's connections on a Unix socket. At most one connection waits; a newer one replaces it, because the
 * guest has abandoned the older.
 */
final class UnixSocketAcceptor implements GuestChannel.Dialer, AutoCloseable {
    private static final long PAUSE = 3_000_000;

    private final Path path;
    private final ServerSocketChannel server;
    private final ArrayBlockingQueue<SocketChannel> waiting = new ArrayBlockingQueue<>(1);
    private final Thread thread;

    /**
     * Listens at {@code path} and removes whatever is there: a guest that an older Allod started may write to the
     * folder and may have put a folder in the socket's place.
     */
    UnixSocketAcceptor(Path path) throws IOException {
        this.path = path;
        TreeDeleter.delete(path);
        server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(path), 8);
        thread = SupervisedThread.start("guest-listen", this::acceptAll);
    }

    private void acceptAll() {
        RetryBackoff backoff = new RetryBackoff(Rng.system());
        while (server.isOpen()) {
            try {
                SocketChannel next = server.accept();
                while (!waiting.offer(next)) {
                    drop(waiting.poll());
                }
                backoff.reset();
                // Limits a guest that only connects to a few hundred connections a second instead of a whole processor.
                LockSupport.parkNanos(PAUSE);
            } catch (IOException e) {
                // Closed by this side, or out of descriptors, which passes.
                if (server.isOpen()) {
                    LoopFailures.ofProcess().report("guest-listen", e);
                    LockSupport.parkNanos(backoff.next().toNanos());
                }
            }
        }
        // A guest accepted at the last moment must not believe that it is connected.
        drop(waiting.poll());
    }

    private static void drop(@Nullable SocketChannel channel) {
        try {
            if (channel != null) {
                channel.close();
            }
        } catch (IOException e) {
            // The socket counts as closed.
        }
    }

    @Override
    public SocketChannel dial(Duration bound) throws IOException {
        try {
            SocketChannel channel = waiting.poll(bound.toMillis(), TimeUnit.MILLISECONDS);
            if (channel == null) {
                throw new IOException("the guest has not connected within " + bound.toMillis() + " ms");
            }
            return channel;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while waiting for the guest", e);
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        Files.deleteIfExists(path);
    }
}
