package org.allod.fsm;

import java.time.Duration;
import java.util.Optional;

/**
 * How to start a run. All of them combine: the delay and the other run are waited for first, then a place in the queue.
 *
 * @param queue the named queue to wait in; also allows starting while another run of the same subject is active
 * @param delay not before this long from now
 * @param after not before this run has ended, however it ends
 * @param parent the run that this one is part of; cancelling it cancels this one
 * @param trace the trace it belongs to; where there is none, that of whoever starts it ({@link TraceContext#current})
 */
public record StartOptions(
        Optional<String> queue,
        Duration delay,
        Optional<RunId> after,
        Optional<RunId> parent,
        Optional<TraceContext> trace) {
    private static final StartOptions NONE =
            new StartOptions(Optional.empty(), Duration.ZERO, Optional.empty(), Optional.empty(), Optional.empty());

    public static StartOptions none() {
        return NONE;
    }

    public StartOptions queue(String name) {
        return new StartOptions(Optional.of(name), delay, after, parent, trace);
    }

    public StartOptions delay(Duration by) {
        return new StartOptions(queue, by, after, parent, trace);
    }

    public StartOptions after(RunId run) {
        return new StartOptions(queue, delay, Optional.of(run), parent, trace);
    }

    public StartOptions parent(RunId run) {
        return new StartOptions(queue, delay, after, Optional.of(run), trace);
    }

    public StartOptions trace(TraceContext context) {
        return new StartOptions(queue, delay, after, parent, Optional.of(context));
    }
}
