package org.allod.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.allod.base.Failed;

/**
 * Tells when processes end, children of ours or not: a daemon that adopts a guest after its own restart is no longer
 * the parent, so {@code waitpid} is no help. One platform thread waits on an epoll of process descriptors; futures
 * complete on virtual threads, so that nothing run from them delays it.
 */
public final class ProcessWatch implements AutoCloseable {
    private static final int BATCH = 64;

    /** The key of the event that ends the watching; processes have keys from 1 on. */
    private static final long STOP = 0;

    private record Watched(int fd, CompletableFuture<Void> exit) {}

    /** By a key that is never used again, as a descriptor's number is. */
    private final Map<Long, Watched> waiting = new ConcurrentHashMap<>();

    private final AtomicLong keys = new AtomicLong(STOP);
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
        Watched watched = new Watched(fd, new CompletableFuture<>());
        long key = keys.incrementAndGet();
        waiting.put(key, watched); // before epoll knows it, or its event would find nothing
        int result = Libc.epollAdd(epoll, fd, key);
        if (result < 0) {
            waiting.remove(key);
            Libc.close(fd);
            throw new Failed("cannot watch process " + process.pid() + ": epoll_ctl gave error " + -result);
        }
        return watched.exit;
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
                    long key = Libc.readyKey(events, i);
                    if (key == STOP) {
                        Libc.close(stop);
                        Libc.close(epoll);
                        return;
                    }
                    ended(key);
                }
            }
        }
    }

    /**
     * Closing alone would not take a descriptor out of the epoll: a child of ours between fork and exec has it a second
     * time. It would be told of again, and by then its number may be another's.
     */
    private void ended(long key) {
        Watched watched = waiting.remove(key);
        if (watched == null) {
            return;
        }
        Libc.epollRemove(epoll, watched.fd);
        Libc.close(watched.fd);
        Thread.ofVirtual().name("process-exit").start(() -> watched.exit.complete(null));
    }

    /** Ends the watching thread; futures that have not completed never will. */
    @Override
    public void close() {
        // Readable since it was made, but not yet in the epoll: adding it wakes the thread.
        checked("epoll_ctl", Libc.epollAdd(epoll, stop, STOP));
    }

    private static int checked(String call, int result) {
        if (result < 0) {
            throw new Failed("cannot watch processes: " + call + " gave error " + -result);
        }
        return result;
    }
}
