package org.allod.host;

import java.util.Map;
import org.allod.base.LoopFailures;
import org.allod.observe.MetricsBuilder;
import org.allod.observe.MetricsSource;
import tools.jackson.databind.node.ObjectNode;

/** Counts of failures that the daemon's loops, timers and threads recovered from. */
final class LoopMetrics implements MetricsSource {
    @Override
    public void collect(MetricsBuilder into) {
        LoopFailures.ofProcess()
                .all()
                .forEach((kind, failure) -> into.counter(
                        "allod_loop_failures",
                        "Failures of the daemon's loops and threads, which go on.",
                        failure.count(),
                        "loop",
                        kind));
    }

    /** Adds nothing if nothing failed. */
    static void status(ObjectNode into) {
        Map<String, LoopFailures.Failure> failures = LoopFailures.ofProcess().all();
        if (failures.isEmpty()) {
            return;
        }
        ObjectNode loops = into.putObject("loop_failures");
        failures.forEach((kind, failure) -> loops.putObject(kind)
                .put("count", failure.count())
                .put("last", failure.last())
                .put("at", failure.at().toString()));
    }
}
