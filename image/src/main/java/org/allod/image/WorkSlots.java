package org.allod.image;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;

/**
 * Limits how many images are fetched at once for one app's token: each takes threads, connections and twice its size on
 * disk. Two, so that a deploy of two groups does not wait for itself; further requests of the app wait, and delay
 * nobody else. The operator never waits.
 */
final class WorkSlots {
    private static final int FOR_ONE_APP = 2;

    private final Map<String, Semaphore> byApp = new ConcurrentHashMap<>();

    interface Held extends AutoCloseable {
        @Override
        void close();
    }

    /** Waits for a slot; an interrupt ends the wait. */
    Held take(Requester by) throws InterruptedException {
        if (by.tenant().isEmpty()) {
            return () -> {};
        }
        Semaphore slots = byApp.computeIfAbsent(by.tenant().get(), app -> new Semaphore(FOR_ONE_APP, true));
        slots.acquire();
        return slots::release;
    }
}
