package org.allod.store;

import org.jspecify.annotations.Nullable;

/** Hears, exactly once, what became of a write: on a virtual thread, which may be the caller's before submit returns. */
public interface WriteCallback<T extends @Nullable Object> {
    /** The write is on stable storage. */
    void durable(T result);

    /** The write had no effect; or, with {@link DurabilityLost}, nobody knows. */
    void failed(Throwable why);
}
