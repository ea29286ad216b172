package org.allod.fsm;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/** Counts for one run type. Steps that the program no longer has are counted without a name, which bounds the map. */
final class RunTypeStats {
    private final LongAdder onStart = new LongAdder();
    private final LongAdder failures = new LongAdder();
    private final Map<String, LongAdder> onEnd = new ConcurrentHashMap<>();
    private final DurationHistogram duration = new DurationHistogram();
    private final Map<String, DurationHistogram> steps = new ConcurrentHashMap<>();

    RunTypeStats(RunType<?, ?> type) {
        type.steps().forEach(name -> steps.put(name, new DurationHistogram()));
        type.finalizers().forEach(name -> steps.put(name, new DurationHistogram()));
    }

    void onStart() {
        onStart.increment();
    }

    void onFailure() {
        failures.increment();
    }

    void onAttempt(String step, long nanos) {
        DurationHistogram durations = steps.get(step);
        if (durations != null) {
            durations.add(nanos);
        }
    }

    void onEnd(Outcome outcome, long nanos) {
        onEnd.computeIfAbsent(outcome.word(), w -> new LongAdder()).increment();
        duration.add(nanos);
    }

    TypeMetrics snapshot(String type, long active) {
        Map<String, Long> outcomes = new TreeMap<>();
        onEnd.forEach((word, count) -> outcomes.put(word, count.sum()));
        Map<String, DurationHistogram.Snapshot> byStep = new TreeMap<>();
        steps.forEach((step, durations) -> byStep.put(step, durations.snapshot()));
        return new TypeMetrics(type, active, onStart.sum(), outcomes, failures.sum(), duration.snapshot(), byStep);
    }
}
