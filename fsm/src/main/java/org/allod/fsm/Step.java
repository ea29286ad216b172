package org.allod.fsm;

import org.jspecify.annotations.Nullable;

/**
 * One step of a run. It may run more than once: after an error, and after a crash between its effect and the record of
 * it. So it looks for what is already there before making it.
 *
 * <p>It returns the response so far, or null to leave that as it is. It throws {@link Abort}, {@link Unrecoverable} or
 * {@link Handoff} to end the run, anything else to be tried again after a while. It runs on a thread of its own and may
 * block, but only in calls that an interrupt ends: that is how cancelling and shutting down reach it.
 */
@FunctionalInterface
public interface Step<Q, R> {
    @Nullable
    R run(StepContext<Q, R> c) throws Exception;
}
