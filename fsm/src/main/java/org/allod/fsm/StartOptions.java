package org.allod.fsm;

import java.time.Duration;
import java.util.Optional;

/**
 * How to start a run. The options combine: the run first waits for its delay and for the other run, then for its queue.
 *
 * @param queue the named queue to wait in; also allows the start while another run of the same subject is active
 * @param delay the least time before it begins
 * @param after the run that must have ended before, whatever its outcome
 * @param parent the run that this one is a child of; cancelling the parent cancels this one
 * @param trace the trace that it belongs to; empty for that of the caller ({@link TraceContext#current})
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
