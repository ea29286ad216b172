package org.allod.fsm;

import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Predicate;

/** Everyone who watches. Runs change far more often than watchers come and go, and mostly nobody watches. */
final class Watches {
    private final CopyOnWriteArrayList<Watch> watches = new CopyOnWriteArrayList<>();
    private final int bound;

    Watches(int bound) {
        this.bound = bound;
    }

    Watch open(Predicate<RunId> wanted) {
        Watch watch = new Watch(wanted, bound, watches::remove);
        watches.add(watch);
        return watch;
    }

    void publish(ActiveRun run) {
        if (watches.isEmpty()) {
            return;
        }
        RunView view = RunView.of(run);
        for (Watch watch : watches) {
            if (watch.wants(run.id())) {
                watch.publish(view);
            }
        }
    }

    void close() {
        watches.forEach(Watch::close);
    }
}
