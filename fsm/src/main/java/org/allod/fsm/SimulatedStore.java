package org.allod.fsm;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.allod.base.Failed;
import org.allod.base.Timers;
import org.allod.store.Listener;

/**
 * A store in memory for simulations, on simulated time. What is appended is first only <em>written</em>; after the
 * delay it is <em>flushed</em>, in order, and then acknowledged. {@link #crash} drops what was not flushed, as a power
 * cut does, and cuts off every listener of the process that died.
 */
public final class SimulatedStore extends EventStore {
    /** What happens to the next append. */
    public enum Fault {
        NONE,
        /** Refused before anything is written, as by a full disk. */
        FAIL
    }

    private static final class Run {
        final RunSpec spec;
        final List<Map.Entry<Long, Event>> events = new ArrayList<>();
        RunState state = new RunState.Waiting();
        String error = "";
        Optional<Payload> response = Optional.empty();
        Ref ref = Ref.NONE;
        long endedAt;

        Run(RunSpec spec) {
            this.spec = spec;
        }
    }

    private record Pending(Append append, Listener<Ref> listener, long life) {}

    private final Timers timers;
    private final Supplier<Duration> delay;
    private final Supplier<Fault> faults;
    private final Map<Long, Run> runs = new LinkedHashMap<>();
    private final NavigableMap<RunId, Run> byId = new TreeMap<>();
    private final List<Pending> written = new ArrayList<>();
    private boolean flushing;
    private long life;
    private long lastRun;
    private long lastEvent;

    /**
     * @param delay drawn for each flush
     * @param faults drawn for each append
     */
    public SimulatedStore(Timers timers, Supplier<Duration> delay, Supplier<Fault> faults) {
        this.timers = timers;
        this.delay = delay;
        this.faults = faults;
    }

    /** The process dies: what was not flushed is gone, and nobody is told anything any more. */
    public synchronized void crash() {
        life++;
        written.clear();
        flushing = false;
    }

    @Override
    synchronized void append(Append append, Listener<Ref> listener) {
        if (faults.get() == Fault.FAIL) {
            long now = life;
            timers.after(Duration.ZERO, () -> {
                if (alive(now)) {
                    listener.failed(new Failed("writing to the simulated store: the disk is full"));
                }
            });
            return;
        }
        written.add(new Pending(append, listener, life));
        flushLater();
    }

    private synchronized boolean alive(long then) {
        return life == then;
    }

    private void flushLater() {
        if (!flushing && !written.isEmpty()) {
            flushing = true;
            long now = life;
            timers.after(delay.get(), () -> flush(now));
        }
    }

    /** Everything written so far becomes durable together: a group commit. */
    private void flush(long then) {
        List<Runnable> acknowledgements = new ArrayList<>();
        synchronized (this) {
            if (life != then) {
                return;
            }
            for (Pending p : written) {
                Ref ref = apply(p.append());
                acknowledgements.add(() -> {
                    if (alive(p.life())) {
                        p.listener().durable(ref);
                    }
                });
            }
            written.clear();
            flushing = false;
        }
        acknowledgements.forEach(Runnable::run);
        synchronized (this) {
            if (life == then) {
                flushLater();
            }
        }
    }

    private Ref apply(Append append) {
        long no = append.ref().run();
        if (append.start().isPresent()) {
            no = ++lastRun;
            Run fresh = new Run(append.start().get());
            runs.put(no, fresh);
            byId.put(fresh.spec.id(), fresh);
        }
        Run run = runs.get(no);
        if (run == null) {
            throw new AssertionError("append to a run that is not there: " + append);
        }
        long last = append.ref().last();
        long answer = append.ref().answer();
        for (Event event : append.events()) {
            if (event instanceof Event.Finished) {
                run.endedAt = append.at();
                continue;
            }
            last = ++lastEvent;
            run.events.add(Map.entry(append.at(), event));
            if (event instanceof Event.StepDone done && done.response().isPresent()) {
                answer = last;
                run.response = done.response();
            }
        }
        run.state = append.after();
        run.error = append.error();
        run.ref = new Ref(no, last, answer);
        return run.ref;
    }

    @Override
    synchronized List<Recovered> load() {
        return runs.values().stream()
                .filter(r -> !(r.state instanceof RunState.Finished))
                .map(r -> new Recovered(r.spec, r.ref, r.state, r.error, r.response))
                .toList();
    }

    @Override
    synchronized Optional<Archived> ended(RunId id) {
        return Optional.ofNullable(byId.get(id)).flatMap(SimulatedStore::archived);
    }

    @Override
    synchronized List<Archived> ended(Optional<RunId> before, int limit) {
        var range = before.isPresent() ? byId.headMap(before.get(), false) : byId;
        return range.descendingMap().values().stream()
                .flatMap(r -> archived(r).stream())
                .limit(limit)
                .toList();
    }

    private static Optional<Archived> archived(Run run) {
        return run.state instanceof RunState.Finished(Outcome outcome)
                ? Optional.of(new Archived(run.spec, outcome, run.endedAt, run.response))
                : Optional.empty();
    }

    @Override
    synchronized List<HistoryEvent> history(RunId id) {
        Run run = byId.get(id);
        if (run == null) {
            return List.of();
        }
        List<HistoryEvent> lines = new ArrayList<>();
        lines.add(Histories.start(run.spec));
        run.events.forEach(e -> lines.add(line(run.spec, e.getKey(), e.getValue())));
        if (run.state instanceof RunState.Finished(Outcome outcome)) {
            lines.add(Histories.finish(run.endedAt, outcome));
        }
        return List.copyOf(lines);
    }

    private static HistoryEvent line(RunSpec spec, long at, Event event) {
        return switch (event) {
            case Event.StepDone(int step, int attempt, Optional<Payload> r) ->
                line(spec, at, "step", step, attempt, "");
            case Event.StepFailed(int step, int attempt, String error) ->
                line(spec, at, "failed", step, attempt, error);
            case Event.CancelAsked(String cause) -> line(spec, at, "cancel", -1, 0, cause);
            case Event.Halted(Outcome o) -> line(spec, at, "halt", -1, 0, o.word() + ": " + o.detail());
            case Event.FinalizerDone(int step, int attempt) -> line(spec, at, "finalizer", step, attempt, "");
            case Event.FinalizerFailed(int step, int attempt, String error) ->
                line(spec, at, "finalizer-failed", step, attempt, error);
            case Event.Finished(Outcome o) -> Histories.finish(at, o);
        };
    }

    private static HistoryEvent line(RunSpec spec, long at, String kind, int step, int attempt, String message) {
        return new HistoryEvent(Instant.ofEpochMilli(at), kind, Histories.name(spec, kind, step), attempt, message);
    }

    @Override
    synchronized List<RunId> children(RunId parent) {
        return runs.values().stream()
                .filter(r -> r.spec.parent().filter(parent::equals).isPresent())
                .map(r -> r.spec.id())
                .toList();
    }

    @Override
    synchronized int prune(int keep, long olderThan, int most) {
        List<Run> over = runs.values().stream()
                .filter(r -> r.state instanceof RunState.Finished)
                .toList();
        int excess = Math.max(0, over.size() - keep);
        List<Run> victims = new ArrayList<>();
        for (int i = 0; i < over.size() && victims.size() < most; i++) {
            if (i < excess || over.get(i).endedAt < olderThan) {
                victims.add(over.get(i));
            }
        }
        for (Run run : victims) {
            runs.remove(run.ref.run());
            byId.remove(run.spec.id());
        }
        return victims.size();
    }
}
