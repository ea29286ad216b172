package org.allod.fsm;

/**
 * Something that is done at the end of every run, however it ended, at least once. Retried like a step; where it throws
 * a {@link TerminalException}, the failure is recorded and the run ends all the same.
 */
@FunctionalInterface
public interface Finalizer<Q, R> {
    void run(StepContext<Q, R> c, Outcome outcome) throws Exception;
}
