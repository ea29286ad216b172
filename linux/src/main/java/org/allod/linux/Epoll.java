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
 * One platform thread that waits for many descriptors, however long that takes: what a virtual thread may not do, as it
 * would hold its carrier all the while. Safe for any thread.
 */
final class Epoll implements AutoCloseable {
    private static final int BATCH = 64;

    /** The key of the event that ends the waiting; descriptors have keys from 1 on. */
    private static final long STOP = 0;

    private record Watched(int fd, LongConsumer ready) {}

    /** By a key that is never used again, as a descriptor's number is. */
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
     * From now on the descriptor is ours, and {@code ready} is told its key whenever something can be read off it or its
     * other end is gone: on the thread of this, so it may not wait for anything, and again and again while that is so.
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
     * Closes a descriptor; false where that was done before. Closing alone would not take it out of the epoll: a child of
     * ours between fork and exec has it a second time. It would be told of again, and by then its number may be
     * another's.
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

    /** Ends the thread. Descriptors that are still waited for stay open, and nobody hears of them. */
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
