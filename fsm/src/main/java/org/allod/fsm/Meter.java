package org.allod.fsm;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/** Counts for one run type. Steps not in the code any more are counted under no name, which bounds the map. */
final class Meter {
    private final LongAdder started = new LongAdder();
    private final LongAdder failures = new LongAdder();
    private final Map<String, LongAdder> ended = new ConcurrentHashMap<>();
    private final Durations duration = new Durations();
    private final Map<String, Durations> steps = new ConcurrentHashMap<>();

    Meter(RunType<?, ?> type) {
        type.steps().forEach(name -> steps.put(name, new Durations()));
        type.finalizers().forEach(name -> steps.put(name, new Durations()));
    }

    void started() {
        started.increment();
    }

    void failed() {
        failures.increment();
    }

    void attempted(String step, long nanos) {
        Durations durations = steps.get(step);
        if (durations != null) {
            durations.add(nanos);
        }
    }

    void ended(Outcome outcome, long nanos) {
        ended.computeIfAbsent(outcome.word(), w -> new LongAdder()).increment();
        duration.add(nanos);
    }

    TypeMetrics snapshot(String type, long active) {
        Map<String, Long> outcomes = new TreeMap<>();
        ended.forEach((word, count) -> outcomes.put(word, count.sum()));
        Map<String, Durations.Snapshot> byStep = new TreeMap<>();
        steps.forEach((step, durations) -> byStep.put(step, durations.snapshot()));
        return new TypeMetrics(type, active, started.sum(), outcomes, failures.sum(), duration.snapshot(), byStep);
    }
}
