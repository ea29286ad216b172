package org.allod.fsm;

import java.util.Optional;

/** What a step or finalizer sees of its run. Belongs to the thread that runs it. */
public interface StepContext<Q, R> {
    RunId runId();

    /** What the run is about: a machine, a volume. */
    String subject();

    Q request();

    /** What the steps so far have answered; empty before the first that did. */
    Optional<R> response();

    /** The name of this step; with {@link #runId} it names every effect the step has on the world. */
    String step();

    /** 1 at the first attempt. Counted across restarts. */
    int attempt();

    /** True where the daemon was restarted since the run began: this step may have run, in part or in full. */
    boolean resumed();

    /** True once somebody has cancelled the run or the daemon is shutting down; the thread is interrupted as well. */
    boolean cancelled();

    Optional<TraceContext> trace();
}
