package org.allod.image;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One lock for each piece of content: a second caller waits and then finds the work done. Interruptible, because the
 * wait may last as long as a download.
 */
final class KeyedLocks {
    private static final class Counted {
        final ReentrantLock lock = new ReentrantLock();
        int users;
    }

    private final Map<String, Counted> locks = new HashMap<>();

    interface Held extends AutoCloseable {
        @Override
        void close();
    }

    Held lock(String key) throws InterruptedException {
        Counted counted;
        synchronized (locks) {
            counted = locks.computeIfAbsent(key, k -> new Counted());
            counted.users++;
        }
        try {
            counted.lock.lockInterruptibly();
        } catch (InterruptedException e) {
            leave(key, counted);
            throw e;
        }
        return () -> {
            counted.lock.unlock();
            leave(key, counted);
        };
    }

    private void leave(String key, Counted counted) {
        synchronized (locks) {
            if (--counted.users == 0) {
                locks.remove(key);
            }
        }
    }
}
