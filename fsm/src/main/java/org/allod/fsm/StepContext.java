package org.allod.fsm;

import java.util.Optional;

/** What a step or finalizer sees of its run. Only the thread that runs it may use it. */
public interface StepContext<Q, R> {
    RunId runId();

    /** What the run is about: a machine, a volume. */
    String subject();

    Q request();

    /** The response that the steps have returned so far; empty before the first one. */
    Optional<R> response();

    /** The name of this step. Together with {@link #runId} it identifies every effect of the step. */
    String step();

    /** The attempt, counted from 1 and across restarts. */
    int attempt();

    /** Whether the daemon has restarted since the run began, so that this step may have run before, partly or fully. */
    boolean resumed();

    /** Whether the run is cancelled or the daemon is shutting down; the thread is interrupted as well. */
    boolean cancelled();

    Optional<TraceContext> trace();
}
