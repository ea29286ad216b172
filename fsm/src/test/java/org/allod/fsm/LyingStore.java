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
import org.allod.store.Listener;

/** A simulated store with one planted bug. */
final class LyingStore extends SimulatedStore {
    private final SimulatedDisk disk;
    private final Timers timers;
    private final Lie lie;
    private final Rng rng;
    private SimulatedDisk flushed;

    LyingStore(
            SimulatedDisk disk,
            Timers timers,
            Supplier<Duration> delay,
            Faults faults,
            Runnable onCrash,
            Lie lie,
            Rng rng) {
        super(disk, timers, lie == Lie.ACK_BEFORE_FLUSH ? null : delay, faults, onCrash);
        this.disk = disk;
        this.timers = timers;
        this.lie = lie;
        this.rng = rng;
        this.flushed = disk.copy();
        if (lie == Lie.ACK_BEFORE_FLUSH) {
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
        if (lie == Lie.ACK_BEFORE_FLUSH) {
            disk.become(flushed);
        }
    }

    @Override
    void append(Append append, Listener<Ref> listener) {
        boolean unlucky = rng.chance(0.2);
        boolean lost = switch (lie) {
            case LOST_COMPLETION -> unlucky && append.events().stream().anyMatch(Event.StepDone.class::isInstance);
            case LOST_CANCELLATION -> unlucky && append.events().stream().anyMatch(Event.CancelAsked.class::isInstance);
            case ARCHIVE_LOST -> unlucky && append.events().stream().anyMatch(Event.Finished.class::isInstance);
            default -> false;
        };
        if (lost) {
            timers.after(Duration.ZERO, () -> listener.durable(append.ref()));
        } else {
            super.append(append, listener);
        }
    }

    @Override
    List<Recovered> load() {
        Map<String, RunState> first = new HashMap<>();
        List<Recovered> result = new ArrayList<>();
        for (Recovered r : super.load()) {
            result.add(
                    switch (lie) {
                        case SHARED_COMPLETED -> {
                            RunState shared = first.putIfAbsent(r.spec().type(), r.state());
                            yield shared instanceof RunState.Running s
                                            && s.step() > 0
                                            && !(r.state() instanceof RunState.Finalizing)
                                    ? new Recovered(r.spec(), r.ref(), shared, r.error(), r.response())
                                    : r;
                        }
                        case FORGOTTEN_QUEUE -> new Recovered(without(r.spec()), r.ref(), r.state(), "", r.response());
                        case WRONG_ACTION ->
                            new Recovered(action(r.spec()), r.ref(), r.state(), r.error(), r.response());
                        case ATTEMPTS_RESET ->
                            new Recovered(
                                    r.spec(),
                                    r.ref(),
                                    r.state() instanceof RunState.Pausing(int step, int attempt)
                                            ? new RunState.Running(step, 1)
                                            : r.state(),
                                    r.error(),
                                    r.response());
                        case RESPONSE_LOST -> new Recovered(r.spec(), r.ref(), r.state(), r.error(), Optional.empty());
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
    Optional<Archived> ended(RunId id) {
        return super.ended(id)
                .map(a -> lie == Lie.ARCHIVE_SAYS_SUCCESS
                        ? new Archived(a.spec(), new Outcome.Completed(), a.at(), a.response())
                        : a);
    }
}
