package org.allod.fsm;

import java.util.concurrent.CompletableFuture;
import org.allod.store.Listener;

/** Writing to a store and waiting until it is durable. */
final class Appended {
    private Appended() {}

    static Ref to(EventStore store, Append append) {
        CompletableFuture<Ref> done = new CompletableFuture<>();
        store.append(append, new Listener<>() {
            @Override
            public void durable(Ref ref) {
                done.complete(ref);
            }

            @Override
            public void failed(Throwable why) {
                done.completeExceptionally(why);
            }
        });
        return done.join();
    }
}
