package org.allod.store;

import java.sql.SQLException;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** One queued write: the work, its result while it is not yet durable, and whom to tell. */
final class Task<T extends @Nullable Object> {
    /** Tells the writer to end, after what was queued before. */
    static final Task<?> CLOSE = new Task<>(tx -> 0, new Listener<Integer>() {
        @Override
        public void durable(Integer result) {}

        @Override
        public void failed(Throwable why) {}
    });

    private final Work<T> work;
    private final Listener<T> listener;
    private @Nullable Object result;

    Task(Work<T> work, Listener<T> listener) {
        this.work = work;
        this.listener = listener;
    }

    void run(Tx tx) throws SQLException {
        result = work.run(tx);
    }

    // Only run() sets the result, and only to a T; where T admits null, so does the listener.
    @SuppressWarnings({"unchecked", "NullAway"})
    void succeed() {
        listener.durable((T) result);
    }

    void fail(Throwable why) {
        listener.failed(why);
    }

    /**
     * Tells every task of a batch, off the writer's thread: what a listener does next (another write, which may wait for
     * room in the queue) must never hold the writer.
     */
    static void deliver(List<Task<?>> batch, Consumer<Task<?>> tell) {
        Task<?>[] told = batch.toArray(Task<?>[]::new);
        Thread.ofVirtual().name("store-delivery").start(() -> {
            for (Task<?> task : told) {
                tell.accept(task);
            }
        });
    }
}
