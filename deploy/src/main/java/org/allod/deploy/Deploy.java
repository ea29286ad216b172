package org.allod.deploy;

import java.time.Instant;
import java.util.Optional;

/**
 * The record of one deploy. Immutable: a change writes a new record.
 *
 * @param number counts the app's deploys from 1
 * @param why why it failed or is rolled back; empty otherwise
 * @param source who asked for it
 * @param revision grows with each change of this record
 * @param plan what to deploy; once the images are ready, each is pinned to its digest
 * @param state its progress; empty before the survey of the machines
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

    /** The record of a deploy that failed before it changed any machine. */
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
