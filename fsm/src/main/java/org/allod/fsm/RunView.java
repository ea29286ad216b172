package org.allod.fsm;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * A run as the API and the CLI show it.
 *
 * @param phase {@code waiting, running, pausing, cancelling, finalizing, final-pausing, finished}, or {@code orphaned}
 *     if its type is no longer registered
 * @param steps its steps in order
 * @param step the step or finalizer that it has reached; empty while waiting and once finished
 * @param attempt the attempt of that step
 * @param since when it entered this phase at this step
 * @param error the last error; empty if the last attempt did not fail
 * @param outcome present once it has ended
 */
public record RunView(
        RunId id,
        String type,
        String subject,
        String phase,
        List<String> steps,
        String step,
        int attempt,
        Instant created,
        Instant since,
        String error,
        Optional<Outcome> outcome,
        Optional<String> queue,
        Optional<RunId> after,
        Optional<RunId> parent,
        Optional<TraceContext> trace) {
    public boolean active() {
        return outcome.isEmpty();
    }

    static RunView of(ActiveRun run) {
        RunState state;
        String error;
        long since;
        synchronized (run) {
            state = run.state;
            error = run.error;
            since = run.since;
        }
        RowMapper.Phase phase = RowMapper.Phase.of(state);
        boolean ending = state instanceof RunState.Finalizing || state instanceof RunState.FinalPausing;
        List<String> names = ending ? run.spec.finalizers() : run.spec.steps();
        boolean placed = !(state instanceof RunState.Waiting || state instanceof RunState.Finished);
        return view(
                run.spec,
                run.type == null ? "orphaned" : phase.phase(),
                placed ? names.get(phase.step()) : "",
                phase.attempt(),
                since,
                error,
                state instanceof RunState.Finished(Outcome outcome) ? Optional.of(outcome) : Optional.empty());
    }

    static RunView of(EndedRunRecord run) {
        return view(run.spec(), "finished", "", 0, run.at(), "", Optional.of(run.outcome()));
    }

    private static RunView view(
            RunSpec spec, String phase, String step, int attempt, long since, String error, Optional<Outcome> outcome) {
        return new RunView(
                spec.id(),
                spec.type(),
                spec.subject(),
                phase,
                spec.steps(),
                step,
                attempt,
                Instant.ofEpochMilli(spec.created()),
                Instant.ofEpochMilli(since),
                error,
                outcome,
                spec.queue(),
                spec.after(),
                spec.parent(),
                spec.trace());
    }
}
