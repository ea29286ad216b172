package org.allod.fsm;

import java.time.Instant;

/**
 * One line of a run's history.
 *
 * @param kind {@code start, step, failed, cancel, halt, finalizer, finalizer-failed, finish}
 * @param step the step's or finalizer's name; empty where the event is about the whole run
 * @param attempt which attempt; 0 where the event is about the whole run
 * @param message the error, cause or outcome; may be empty
 */
public record HistoryEvent(Instant at, String kind, String step, int attempt, String message) {}
