package org.allod.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.allod.base.Failed;

/**
 * Tells when processes end, children of ours or not: a daemon that adopts a guest after its own restart is no longer
 * the parent, so {@code waitpid} is no help. One platform thread waits on an epoll of process descriptors; futures
 * complete on virtual threads, so that nothing run from them delays it.
 */
public final class ProcessWatch implements AutoCloseable {
    private static final int BATCH = 64;

    private final Map<Integer, CompletableFuture<Void>> waiting = new ConcurrentHashMap<>();
    private final int epoll;
    private final int stop;
    private final Thread thread;

    public ProcessWatch() {
        epoll = checked("epoll_create1", Libc.epollCreate());
        stop = checked("eventfd", Libc.eventfd(1));
        thread = Thread.ofPlatform().daemon().name("process-watch").unstarted(this::loop);
        thread.start();
    }

    /** Completes when the process has ended; at once where it has. One descriptor is held until then. */
    public CompletableFuture<Void> exit(ProcessId process) {
        int fd = process.open();
        if (fd < 0) {
            return CompletableFuture.completedFuture(null);
        }
        CompletableFuture<Void> future = new CompletableFuture<>();
        waiting.put(fd, future); // before epoll knows it, or its event would find nothing
        int result = Libc.epollAdd(epoll, fd);
        if (result < 0) {
            waiting.remove(fd);
            Libc.close(fd);
            throw new Failed("cannot watch process " + process.pid() + ": epoll_ctl gave error " + -result);
        }
        return future;
    }

    private void loop() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment events = arena.allocate(Libc.EVENT_SIZE * BATCH, 8);
            while (true) {
                int ready = Libc.epollWait(epoll, events, BATCH);
                if (ready < 0 && ready != -Libc.EINTR) {
                    throw new Failed("waiting for processes failed: epoll_wait gave error " + -ready);
                }
                for (int i = 0; i < ready; i++) {
                    int fd = Libc.readyFd(events, i);
                    if (fd == stop) {
                        Libc.close(stop);
                        Libc.close(epoll);
                        return;
                    }
                    CompletableFuture<Void> future = waiting.remove(fd);
                    Libc.close(fd); // leaves the epoll with its last descriptor
                    if (future != null) {
                        Thread.ofVirtual().name("process-exit").start(() -> future.complete(null));
                    }
                }
            }
        }
    }

    /** Ends the watching thread; futures that have not completed never will. */
    @Override
    public void close() {
        // Readable since it was made, but not yet in the epoll: adding it wakes the thread.
        checked("epoll_ctl", Libc.epollAdd(epoll, stop));
    }

    private static int checked(String call, int result) {
        if (result < 0) {
            throw new Failed("cannot watch processes: " + call + " gave error " + -result);
        }
        return result;
    }
}
