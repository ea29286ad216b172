package org.allod.fsm;

import java.util.Optional;

/**
 * A run that is over.
 *
 * @param outcome how it ended
 * @param response what its last step that answered returned, encoded; decode it with {@link RunType#response}. Present
 *     also where the run did not complete: it is the response so far
 */
public record RunResult(RunId id, Outcome outcome, Optional<byte[]> response) {
    public boolean completed() {
        return outcome instanceof Outcome.Completed;
    }
}
