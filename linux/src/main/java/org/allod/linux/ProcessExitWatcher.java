package org.allod.linux;

import java.util.concurrent.CompletableFuture;
import org.allod.base.SupervisedThread;

/**
 * Tells when processes end, children of ours or not: a daemon that adopts a guest after its own restart is no longer
 * the parent, so {@code waitpid} is no help. One platform thread waits on an epoll of process descriptors; futures
 * complete on virtual threads, so that nothing run from them delays it.
 */
public final class ProcessExitWatcher implements AutoCloseable {
    private final Epoll epoll = new Epoll("process-watch");

    /** Completes when the process has ended; at once where it has. One descriptor is held until then. */
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
