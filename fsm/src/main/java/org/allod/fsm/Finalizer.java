package org.allod.fsm;

/**
 * Runs at the end of every run, whatever the outcome, at least once. It is retried like a step; if it throws a {@link
 * TerminalException}, the failure is recorded and the run ends without it.
 */
@FunctionalInterface
public interface Finalizer<Q, R> {
    void run(StepContext<Q, R> c, Outcome outcome) throws Exception;
}
