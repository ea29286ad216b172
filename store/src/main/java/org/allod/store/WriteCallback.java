package org.allod.store;

import org.jspecify.annotations.Nullable;

/**
 * Called exactly once with the outcome of a write, on a virtual thread: possibly the caller's, before submit returns.
 */
public interface WriteCallback<T extends @Nullable Object> {
    /** The write is on stable storage. */
    void durable(T result);

    /** The write had no effect; with {@link DurabilityLost} it is unknown whether it had. */
    void failed(Throwable why);
}
