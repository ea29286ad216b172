package org.allod.fsm;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The context of one attempt. It decodes on demand, since many steps use neither the request nor the response. */
final class StepContextImpl<Q, R> implements StepContext<Q, R> {
    /** Signals from outside to a running step. */
    interface Signals {
        boolean cancelled();
    }

    private final ActiveRun run;
    private final RunType<Q, R> type;
    private final String step;
    private final int attempt;
    private final Signals signals;
    private @Nullable Q request;

    StepContextImpl(ActiveRun run, RunType<Q, R> type, String step, int attempt, Signals signals) {
        this.run = run;
        this.type = type;
        this.step = step;
        this.attempt = attempt;
        this.signals = signals;
    }

    @Override
    public RunId runId() {
        return run.id();
    }

    @Override
    public String subject() {
        return run.spec.subject();
    }

    @Override
    public Q request() {
        Q known = request;
        if (known == null) {
            known = type.requests().decode(run.spec.request().bytes());
            request = known;
        }
        return known;
    }

    @Override
    public Optional<R> response() {
        Optional<Payload> latest;
        synchronized (run) {
            latest = run.response;
        }
        return latest.map(p -> type.responses().decode(p.bytes()));
    }

    @Override
    public String step() {
        return step;
    }

    @Override
    public int attempt() {
        return attempt;
    }

    @Override
    public boolean resumed() {
        return run.resumed;
    }

    @Override
    public boolean cancelled() {
        return signals.cancelled();
    }

    @Override
    public Optional<TraceContext> trace() {
        return run.spec.trace();
    }
}
