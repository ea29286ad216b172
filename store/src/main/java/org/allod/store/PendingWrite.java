package org.allod.store;

import java.sql.SQLException;
import java.util.List;
import org.allod.base.SupervisedThread;
import org.jspecify.annotations.Nullable;

/** One queued write: the transaction's body, its result while that is not yet durable, and the callback. */
final class PendingWrite<T extends @Nullable Object> {
    /** Makes the writer end, after what was queued before. */
    static final PendingWrite<?> CLOSE = new PendingWrite<>(tx -> 0, new WriteCallback<Integer>() {
        @Override
        public void durable(Integer result) {}

        @Override
        public void failed(Throwable why) {}
    });

    private final TransactionBody<T> body;
    private final WriteCallback<T> callback;
    private @Nullable Object result;
    private @Nullable Throwable failure;

    PendingWrite(TransactionBody<T> body, WriteCallback<T> callback) {
        this.body = body;
        this.callback = callback;
    }

    void run(Transaction tx) throws SQLException {
        result = body.run(tx);
    }

    /** Sets the failure that the callback gets instead of the result. */
    void settle(Throwable why) {
        failure = why;
    }

    /** Runs the callback with the outcome; once, after the batch is over. */
    // Only run() sets the result, and only to a T; if T admits null, so does the callback.
    @SuppressWarnings({"unchecked", "NullAway"})
    void tell() {
        if (failure != null) {
            callback.failed(failure);
        } else {
            callback.durable((T) result);
        }
    }

    void fail(Throwable why) {
        callback.failed(why);
    }

    /**
     * Runs the callbacks of a batch on another thread: what a callback does next (another write, which may wait for the
     * queue) must never block the writer.
     */
    static void deliver(List<PendingWrite<?>> batch) {
        if (!batch.isEmpty()) {
            // Each one separately, so that a callback that throws does not keep the others from running.
            Thread _ = SupervisedThread.start(
                    "store-delivery",
                    () -> batch.forEach(write -> SupervisedThread.run("store-delivery", write::tell)));
        }
    }
}
