package org.allod.fsm;

import java.util.Map;

/**
 * What the runs of one type did since this process began.
 *
 * @param active how many there are now
 * @param started how many were started
 * @param ended how many ended, by the word of their outcome
 * @param failures attempts of steps and finalizers that failed and were tried again
 * @param duration of whole runs, from the start to the end, waiting included
 * @param steps of single attempts that returned, by step
 */
public record TypeMetrics(
        String type,
        long active,
        long started,
        Map<String, Long> ended,
        long failures,
        DurationHistogram.Snapshot duration,
        Map<String, DurationHistogram.Snapshot> steps) {}
