package org.allod.fsm;

import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The durable part of a simulated store: what survives a crash. One disk outlives many processes, each with its own
 * {@link SimulatedStore}.
 */
public final class SimulatedEventDisk {
    private static final class Run {
        final RunSpec spec;
        final List<Map.Entry<Long, Event>> events = new ArrayList<>();
        RunState state = new RunState.Waiting();
        String error = "";
        Optional<Payload> response = Optional.empty();
        LogPosition position = LogPosition.NONE;
        long endedAt;

        Run(RunSpec spec) {
            this.spec = spec;
        }

        Run copy() {
            Run twin = new Run(spec);
            twin.events.addAll(events);
            twin.state = state;
            twin.error = error;
            twin.response = response;
            twin.position = position;
            twin.endedAt = endedAt;
            return twin;
        }
    }

    private final Map<Long, Run> runs = new LinkedHashMap<>();
    private final NavigableMap<RunId, Run> byId = new TreeMap<>();
    private long lastRun;
    private long lastEvent;

    synchronized LogPosition apply(LogAppend append) {
        long no = append.position().run();
        if (append.start().isPresent()) {
            no = ++lastRun;
            Run fresh = new Run(append.start().get());
            put(no, fresh);
        }
        Run run = runs.get(no);
        if (run == null) {
            throw new AssertionError("append to a run that is not there: " + append);
        }
        long last = append.position().last();
        long answer = append.position().answer();
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
        run.position = new LogPosition(no, last, answer);
        return run.position;
    }

    /** A copy with the same content, for a test that undoes what was never flushed. */
    synchronized SimulatedEventDisk copy() {
        SimulatedEventDisk twin = new SimulatedEventDisk();
        runs.forEach((no, run) -> twin.put(no, run.copy()));
        twin.lastRun = lastRun;
        twin.lastEvent = lastEvent;
        return twin;
    }

    /** Takes over the content of another disk. */
    synchronized void become(SimulatedEventDisk other) {
        runs.clear();
        byId.clear();
        other.runs.forEach((no, run) -> put(no, run.copy()));
        lastRun = other.lastRun;
        lastEvent = other.lastEvent;
    }

    private void put(long no, Run run) {
        runs.put(no, run);
        byId.put(run.spec.id(), run);
    }

    synchronized List<ActiveRunRecord> load() {
        return runs.values().stream()
                .filter(r -> !(r.state instanceof RunState.Finished))
                .map(SimulatedEventDisk::recovered)
                .toList();
    }

    private static ActiveRunRecord recovered(Run r) {
        return new ActiveRunRecord(r.spec, r.position, r.state, r.error, r.response);
    }

    /** The durable record of a run, active or ended; for checks in tests. */
    synchronized Optional<ActiveRunRecord> durable(RunId id) {
        return Optional.ofNullable(byId.get(id)).map(SimulatedEventDisk::recovered);
    }

    /** The durable events of a run; for checks in tests. */
    synchronized List<Event> events(RunId id) {
        Run run = byId.get(id);
        return run == null
                ? List.of()
                : run.events.stream().map(Map.Entry::getValue).toList();
    }

    synchronized Optional<EndedRunRecord> ended(RunId id) {
        return Optional.ofNullable(byId.get(id)).flatMap(SimulatedEventDisk::archived);
    }

    synchronized List<EndedRunRecord> ended(Optional<RunId> before, int limit) {
        var range = before.isPresent() ? byId.headMap(before.get(), false) : byId;
        return range.descendingMap().values().stream()
                .flatMap(r -> archived(r).stream())
                .limit(limit)
                .toList();
    }

    private static Optional<EndedRunRecord> archived(Run run) {
        return run.state instanceof RunState.Finished(Outcome outcome)
                ? Optional.of(new EndedRunRecord(run.spec, outcome, run.endedAt, run.response))
                : Optional.empty();
    }

    synchronized List<HistoryEvent> history(RunId id) {
        Run run = byId.get(id);
        if (run == null) {
            return List.of();
        }
        List<HistoryEvent> lines = new ArrayList<>();
        lines.add(HistoryFormatter.start(run.spec));
        run.events.forEach(e -> lines.add(line(run.spec, e.getKey(), e.getValue())));
        if (run.state instanceof RunState.Finished(Outcome outcome)) {
            lines.add(HistoryFormatter.finish(run.endedAt, outcome));
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
            case Event.Finished(Outcome o) -> HistoryFormatter.finish(at, o);
        };
    }

    private static HistoryEvent line(RunSpec spec, long at, String kind, int step, int attempt, String message) {
        return new HistoryEvent(
                Instant.ofEpochMilli(at), kind, HistoryFormatter.name(spec, kind, step), attempt, message);
    }

    synchronized List<RunId> children(RunId parent) {
        return runs.values().stream()
                .filter(r -> r.spec.parent().filter(parent::equals).isPresent())
                .map(r -> r.spec.id())
                .toList();
    }

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
            runs.remove(run.position.run());
            byId.remove(run.spec.id());
        }
        return victims.size();
    }
}
