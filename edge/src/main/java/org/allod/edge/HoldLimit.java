package org.allod.edge;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** How much of one app may wait for its machines: so many requests, so many bytes. Shared by all event loops. */
final class HoldLimit {
    private final EdgeConfig.Limits limits;
    private final AtomicInteger requests = new AtomicInteger();
    private final AtomicLong bytes = new AtomicLong();

    HoldLimit(EdgeConfig.Limits limits) {
        this.limits = limits;
    }

    /** Takes a place for a request of this size, or says that there is none. */
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

    /** A waiting request has sent more. False where it must stop sending. */
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
