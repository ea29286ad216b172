package org.allod.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;
import org.allod.base.FailedException;
import org.allod.base.SupervisedThread;

/**
 * Waits for many descriptors on one platform thread. A virtual thread must not wait that way, since it would pin its
 * carrier. Safe from any thread.
 */
final class Epoll implements AutoCloseable {
    private static final int BATCH = 64;

    /** The key of the event that ends the waiting; descriptors have keys from 1 on. */
    private static final long STOP = 0;

    private record Watched(int fd, LongConsumer ready) {}

    /** By a key that is never reused, unlike a descriptor's number. */
    private final Map<Long, Watched> waiting = new ConcurrentHashMap<>();

    private final AtomicLong keys = new AtomicLong(STOP);
    private final int epoll;
    private final int stop;

    /** @param thread its name, which errors tell too */
    Epoll(String thread) {
        epoll = checked("epoll_create1", Libc.epollCreate());
        stop = checked("eventfd", Libc.eventfd(1));
        Thread.ofPlatform().daemon().name(thread).start(() -> SupervisedThread.run(thread, this::loop));
    }

    /**
     * Takes ownership of the descriptor. Calls {@code ready} with its key whenever it can be read or its other end is
     * gone, repeatedly while that is so. The call is on this object's thread, so it must not block.
     *
     * @return the key
     */
    long add(int fd, LongConsumer ready) {
        long key = keys.incrementAndGet();
        waiting.put(key, new Watched(fd, ready)); // before the kernel knows it, or its event would find nothing
        int result = Libc.epollAdd(epoll, fd, key);
        if (result < 0) {
            waiting.remove(key);
            Libc.close(fd);
            checked("epoll_ctl", result);
        }
        return key;
    }

    /**
     * Removes and closes a descriptor; false if that was done before. Closing alone would not remove it, because a
     * child process between fork and exec has a copy: the epoll would report it again, when its number may be reused.
     */
    boolean remove(long key) {
        Watched watched = waiting.remove(key);
        if (watched == null) {
            return false;
        }
        Libc.epollRemove(epoll, watched.fd);
        Libc.close(watched.fd);
        return true;
    }

    private void loop() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment events = arena.allocate(Libc.EVENT_SIZE * BATCH, 8);
            while (true) {
                int ready = Libc.epollWait(epoll, events, BATCH);
                if (ready != -Libc.EINTR) {
                    checked("epoll_wait", ready);
                }
                for (int i = 0; i < ready; i++) {
                    long key = Libc.readyKey(events, i);
                    if (key == STOP) {
                        Libc.close(stop);
                        Libc.close(epoll);
                        return;
                    }
                    Watched watched = waiting.get(key);
                    if (watched != null) {
                        // One that throws keeps nobody else from being told.
                        SupervisedThread.run("epoll", () -> watched.ready.accept(key));
                    }
                }
            }
        }
    }

    /** Ends the thread. Descriptors that were not removed stay open and are not reported any more. */
    @Override
    public void close() {
        // Readable since it was made, but not yet in the epoll: adding it wakes the thread.
        checked("epoll_ctl", Libc.epollAdd(epoll, stop, STOP));
    }

    private static int checked(String call, int result) {
        if (result < 0) {
            throw new FailedException("cannot wait for events: " + call + ": " + Libc.error(-result));
        }
        return result;
    }
}
