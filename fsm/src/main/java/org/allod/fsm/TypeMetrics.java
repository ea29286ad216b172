package org.allod.fsm;

import java.util.Map;

/**
 * Counts of the runs of one type since this process started.
 *
 * @param active how many are active now
 * @param started how many were started
 * @param ended how many ended, by {@link Outcome#word}
 * @param failures attempts of steps and finalizers that failed and were retried
 * @param duration durations of whole runs, from start to end, waiting included
 * @param steps durations of single attempts that returned, by step
 */
public record TypeMetrics(
        String type,
        long active,
        long started,
        Map<String, Long> ended,
        long failures,
        DurationHistogram.Snapshot duration,
        Map<String, DurationHistogram.Snapshot> steps) {}
