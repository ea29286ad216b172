package org.allod.fsm;

import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Predicate;

/** All subscriptions. Copy-on-write, since runs change far more often than subscribers come and go. */
final class RunSubscriptions {
    private final CopyOnWriteArrayList<RunSubscription> watches = new CopyOnWriteArrayList<>();
    private final int bound;

    RunSubscriptions(int bound) {
        this.bound = bound;
    }

    RunSubscription open(Predicate<RunId> wanted) {
        RunSubscription subscription = new RunSubscription(wanted, bound, watches::remove);
        watches.add(subscription);
        return subscription;
    }

    void publish(ActiveRun run) {
        if (watches.isEmpty()) {
            return;
        }
        RunView view = RunView.of(run);
        for (RunSubscription subscription : watches) {
            if (subscription.wants(run.id())) {
                subscription.publish(view);
            }
        }
    }

    void close() {
        watches.forEach(RunSubscription::close);
    }
}
