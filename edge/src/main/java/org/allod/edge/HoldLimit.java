package org.allod.edge;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** Limits how many requests, and how many bytes, of one app wait for its machines. Shared by all event loops. */
final class HoldLimit {
    private final EdgeConfig.Limits limits;
    private final AtomicInteger requests = new AtomicInteger();
    private final AtomicLong bytes = new AtomicLong();

    HoldLimit(EdgeConfig.Limits limits) {
        this.limits = limits;
    }

    /** Reserves a place for a request of this size; returns false if the limit is reached. */
    boolean enter(int size) {
        if (requests.incrementAndGet() > limits.heldRequests()) {
            requests.decrementAndGet();
            return false;
        }
        if (bytes.addAndGet(size) > limits.heldBytes()) {
            leave(size);
            return false;
        }
        return true;
    }

    /** A held request has buffered more. Returns false if its client must be paused. */
    boolean grow(int by) {
        return bytes.addAndGet(by) <= limits.heldBytes();
    }

    void leave(int size) {
        requests.decrementAndGet();
        bytes.addAndGet(-size);
    }

    int requests() {
        return requests.get();
    }

    long bytes() {
        return bytes.get();
    }
}
