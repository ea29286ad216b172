package org.allod.fsm;

import java.util.List;
import java.util.Optional;

/**
 * One durable change of one run.
 *
 * @param start present in the first append of a run
 * @param events what happened, in order; empty if only the count of attempts changes
 * @param after the state once this is durable
 * @param error the last error, kept with the state; empty if there is none
 * @param at milliseconds since the epoch
 */
record LogAppend(
        LogPosition position, Optional<RunSpec> start, List<Event> events, RunState after, String error, long at) {}
