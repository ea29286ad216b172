package org.allod.fsm;

import java.time.Instant;

/**
 * One line of a run's history.
 *
 * @param kind {@code start, step, failed, cancel, halt, finalizer, finalizer-failed, finish}
 * @param step the name of the step or finalizer; empty if the event concerns the whole run
 * @param attempt the attempt; 0 if the event concerns the whole run
 * @param message the error, cause or outcome; may be empty
 */
public record HistoryEvent(Instant at, String kind, String step, int attempt, String message) {}
