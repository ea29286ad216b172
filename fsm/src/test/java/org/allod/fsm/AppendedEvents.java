package org.allod.fsm;

import java.util.concurrent.CompletableFuture;
import org.allod.store.WriteCallback;

/** Writing to a store and waiting until it is durable. */
final class AppendedEvents {
    private AppendedEvents() {}

    static LogPosition to(EventStore store, LogAppend append) {
        CompletableFuture<LogPosition> done = new CompletableFuture<>();
        store.append(append, new WriteCallback<>() {
            @Override
            public void durable(LogPosition position) {
                done.complete(position);
            }

            @Override
            public void failed(Throwable why) {
                done.completeExceptionally(why);
            }
        });
        return done.join();
    }
}
