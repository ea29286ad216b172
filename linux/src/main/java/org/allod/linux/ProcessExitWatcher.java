package org.allod.linux;

import java.util.concurrent.CompletableFuture;
import org.allod.base.SupervisedThread;

/**
 * Reports the end of processes, whether or not they are children of this one: a daemon that adopts a guest after a
 * restart is not its parent and cannot use {@code waitpid}. One platform thread waits on an epoll of process
 * descriptors. Futures complete on virtual threads, so that their callbacks do not delay it.
 */
public final class ProcessExitWatcher implements AutoCloseable {
    private final Epoll epoll = new Epoll("process-watch");

    /** A future that completes when the process has ended, at once if it has. It holds one descriptor until then. */
    public CompletableFuture<Void> exit(ProcessIdentity process) {
        int fd = process.open();
        if (fd < 0) {
            return CompletableFuture.completedFuture(null);
        }
        CompletableFuture<Void> exit = new CompletableFuture<>();
        long _ = epoll.add(fd, key -> {
            if (epoll.remove(key)) {
                Thread _ = SupervisedThread.start("process-exit", () -> exit.complete(null));
            }
        });
        return exit;
    }

    /** Ends the watching thread; futures that have not completed never will. */
    @Override
    public void close() {
        epoll.close();
    }
}
