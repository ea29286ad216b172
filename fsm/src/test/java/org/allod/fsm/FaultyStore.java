package org.allod.fsm;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.allod.base.Rng;
import org.allod.base.Timers;
import org.allod.store.WriteCallback;

/** A simulated store with one planted bug. */
final class FaultyStore extends SimulatedStore {
    private final SimulatedEventDisk disk;
    private final Timers timers;
    private final StoreFault fault;
    private final Rng rng;
    private SimulatedEventDisk flushed;

    FaultyStore(
            SimulatedEventDisk disk,
            Timers timers,
            Supplier<Duration> delay,
            Faults faults,
            Runnable onCrash,
            StoreFault fault,
            Rng rng) {
        super(disk, timers, fault == StoreFault.ACK_BEFORE_FLUSH ? null : delay, faults, onCrash);
        this.disk = disk;
        this.timers = timers;
        this.fault = fault;
        this.rng = rng;
        this.flushed = disk.copy();
        if (fault == StoreFault.ACK_BEFORE_FLUSH) {
            flushNowAndThen();
        }
    }

    private void flushNowAndThen() {
        flushed = disk.copy();
        timers.after(Duration.ofMillis(20), this::flushNowAndThen);
    }

    @Override
    public void kill() {
        super.kill();
        if (fault == StoreFault.ACK_BEFORE_FLUSH) {
            disk.become(flushed);
        }
    }

    @Override
    void append(LogAppend append, WriteCallback<LogPosition> callback) {
        boolean unlucky = rng.chance(0.2);
        boolean lost = switch (fault) {
            case LOST_COMPLETION -> unlucky && append.events().stream().anyMatch(Event.StepDone.class::isInstance);
            case LOST_CANCELLATION -> unlucky && append.events().stream().anyMatch(Event.CancelAsked.class::isInstance);
            case ARCHIVE_LOST -> unlucky && append.events().stream().anyMatch(Event.Finished.class::isInstance);
            default -> false;
        };
        if (lost) {
            timers.after(Duration.ZERO, () -> callback.durable(append.position()));
        } else {
            super.append(append, callback);
        }
    }

    @Override
    List<ActiveRunRecord> load() {
        Map<String, RunState> first = new HashMap<>();
        List<ActiveRunRecord> result = new ArrayList<>();
        for (ActiveRunRecord r : super.load()) {
            result.add(
                    switch (fault) {
                        case SHARED_COMPLETED -> {
                            RunState shared = first.putIfAbsent(r.spec().type(), r.state());
                            yield shared instanceof RunState.Running s
                                            && s.step() > 0
                                            && !(r.state() instanceof RunState.Finalizing)
                                    ? new ActiveRunRecord(r.spec(), r.position(), shared, r.error(), r.response())
                                    : r;
                        }
                        case FORGOTTEN_QUEUE ->
                            new ActiveRunRecord(without(r.spec()), r.position(), r.state(), "", r.response());
                        case WRONG_ACTION ->
                            new ActiveRunRecord(action(r.spec()), r.position(), r.state(), r.error(), r.response());
                        case ATTEMPTS_RESET ->
                            new ActiveRunRecord(
                                    r.spec(),
                                    r.position(),
                                    r.state() instanceof RunState.Pausing(int step, int attempt)
                                            ? new RunState.Running(step, 1)
                                            : r.state(),
                                    r.error(),
                                    r.response());
                        case RESPONSE_LOST ->
                            new ActiveRunRecord(r.spec(), r.position(), r.state(), r.error(), Optional.empty());
                        default -> r;
                    });
        }
        return result;
    }

    private static RunSpec without(RunSpec s) {
        return spec(s, s.action(), Optional.empty());
    }

    private static RunSpec action(RunSpec s) {
        return spec(s, s.type() + "-" + s.id(), s.queue());
    }

    private static RunSpec spec(RunSpec s, String action, Optional<String> queue) {
        return new RunSpec(
                s.id(),
                s.type(),
                action,
                s.subject(),
                s.created(),
                s.notBefore(),
                queue,
                s.after(),
                s.parent(),
                s.trace(),
                s.steps(),
                s.finalizers(),
                s.request());
    }

    @Override
    Optional<EndedRunRecord> ended(RunId id) {
        return super.ended(id)
                .map(a -> fault == StoreFault.ARCHIVE_SAYS_SUCCESS
                        ? new EndedRunRecord(a.spec(), new Outcome.Completed(), a.at(), a.response())
                        : a);
    }
}
