package org.allod.deploy;

import java.time.Instant;
import java.util.Optional;

/**
 * One deploy on record.
 *
 * @param number counts the app's deploys from 1
 * @param why why it failed or goes back; empty where it does not
 * @param source who asked
 * @param revision grows with each change of this record
 * @param plan what it is to bring about; once the images are ready, with each pinned to its content
 * @param state where it is; empty before its survey
 */
public record Deploy(
        String id,
        String app,
        int number,
        DeployStatus status,
        String why,
        String source,
        Instant created,
        Optional<Instant> ended,
        long revision,
        Plan plan,
        Optional<DeployState> state) {

    Deploy with(Plan pinned) {
        return new Deploy(id, app, number, status, why, source, created, ended, revision + 1, pinned, state);
    }

    Deploy withState(DeployState next, Instant now) {
        DeployStatus then = DeployStatus.of(next);
        return new Deploy(
                id,
                app,
                number,
                then,
                next.why(),
                source,
                created,
                then.over() ? Optional.of(now) : Optional.empty(),
                revision + 1,
                plan,
                Optional.of(next));
    }

    /** Over before anything was touched. */
    Deploy withFailure(String because, Instant now) {
        return new Deploy(
                id,
                app,
                number,
                DeployStatus.ROLLED_BACK,
                because,
                source,
                created,
                Optional.of(now),
                revision + 1,
                plan,
                state);
    }
}
