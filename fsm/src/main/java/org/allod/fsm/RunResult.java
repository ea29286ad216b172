package org.allod.fsm;

import java.util.Optional;

/**
 * The result of a run that has ended.
 *
 * @param outcome how it ended
 * @param response what the last step with a response returned, encoded; decode it with {@link RunType#response}. A run
 *     that did not complete has it too: the response so far
 */
public record RunResult(RunId id, Outcome outcome, Optional<byte[]> response) {
    public boolean completed() {
        return outcome instanceof Outcome.Completed;
    }
}
