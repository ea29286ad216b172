package org.allod.fsm;

import org.jspecify.annotations.Nullable;

/**
 * One step of a run. It must be idempotent, because it may run more than once: after an error, and after a crash
 * between its effect and the record of its end.
 *
 * <p>It returns the response so far, or null to leave that unchanged. It throws {@link Abort}, {@link Unrecoverable} or
 * {@link Handoff} to end the run; after any other exception it is retried with a backoff. It runs on a thread of its
 * own and may block, but only in interruptible calls, because cancelling and shutting down interrupt it.
 */
@FunctionalInterface
public interface Step<Q, R> {
    @Nullable
    R run(StepContext<Q, R> c) throws Exception;
}
