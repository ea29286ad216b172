package org.allod.store;

import java.sql.SQLException;
import java.util.List;
import org.allod.base.SupervisedThread;
import org.jspecify.annotations.Nullable;

/** One queued write: the work, its result while it is not yet durable, and whom to tell. */
final class PendingWrite<T extends @Nullable Object> {
    /** Tells the writer to end, after what was queued before. */
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

    /** What the task will be told: that this happened, instead of the durable result. */
    void settle(Throwable why) {
        failure = why;
    }

    /** Tells the outcome; once, after the batch is over. */
    // Only run() sets the result, and only to a T; where T admits null, so does the listener.
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
     * Tells every task of a batch, off the writer's thread: what a listener does next (another write, which may wait for
     * room in the queue) must never hold the writer.
     */
    static void deliver(List<PendingWrite<?>> batch) {
        if (!batch.isEmpty()) {
            // Each by itself: a listener that throws keeps no other from being told.
            Thread _ = SupervisedThread.start(
                    "store-delivery",
                    () -> batch.forEach(write -> SupervisedThread.run("store-delivery", write::tell)));
        }
    }
}
