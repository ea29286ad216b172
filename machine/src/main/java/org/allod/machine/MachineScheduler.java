package org.allod.machine;

import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.allod.base.Clock;
import org.allod.base.MachineId;
import org.allod.base.RejectedException;
import org.allod.base.SupervisedTask;
import org.allod.fsm.Engine;
import org.allod.fsm.RunId;
import org.allod.fsm.RunType;
import org.allod.fsm.StartOptions;
import org.allod.fsm.StepContext;

/**
 * Starts machines that have a schedule. What is due next is one delayed run a machine, durable like any other: after a
 * restart of the daemon it is still due, and one whose time has passed meanwhile is carried out once, however often it
 * was missed.
 *
 * <p>The run only starts the machine; when it has ended, the next one is put on record here. A crash in between is
 * mended by {@link #recover}, which looks at every machine.
 */
final class MachineScheduler {
    private static final System.Logger LOG = System.getLogger("allod.machine");

    /** Starts a machine, or says why not. */
    interface Starter {
        void start(Machine machine) throws InterruptedException;
    }

    private final Engine engine;
    private final MachineIndex index;
    private final MachineRecords records;
    private final Clock clock;
    private final Starter starter;
    private final RunType<LifecycleRequests.Scheduled, LifecycleRequests.Progress> type;
    /** What each machine's run on record was made for, as far as this daemon has seen to it. */
    private final Map<MachineId, Known> known = new ConcurrentHashMap<>();

    private record Known(Schedule schedule, RunId run) {}

    MachineScheduler(Engine engine, MachineIndex index, MachineRecords records, Clock clock, Starter starter) {
        this.engine = engine;
        this.index = index;
        this.records = records;
        this.clock = clock;
        this.starter = starter;
        this.type = RunType.named("machine.scheduled")
                .json(LifecycleRequests.Scheduled.class, LifecycleRequests.Progress.class)
                .step("start", this::start)
                .build();
    }

    RunType<LifecycleRequests.Scheduled, LifecycleRequests.Progress> type() {
        return type;
    }

    /** What has a schedule, and lost it or its run while nobody looked, is put in order. */
    void recover() {
        index.all().stream()
                .filter(m -> m.config().schedule().isPresent())
                .forEach(m -> SupervisedTask.hereOrLater("schedule", () -> settle(m.id())));
    }

    /** Follows a record; what is to be done takes a flush, so it is done elsewhere. */
    void follow(Machine m) {
        Known seen = known.get(m.id());
        Optional<Schedule> wanted = scheduleOf(m);
        if (!wanted.equals(Optional.ofNullable(seen).map(Known::schedule))) {
            later(m.id());
        }
    }

    private void later(MachineId id) {
        Thread _ = SupervisedTask.start("schedule", "schedule " + id, () -> true, () -> settle(id));
    }

    private static Optional<Schedule> scheduleOf(Machine m) {
        return m.state() == MachineState.CREATING
                        || m.state() == MachineState.DESTROYING
                        || m.state() == MachineState.DESTROYED
                ? Optional.empty()
                : m.config().schedule();
    }

    /** Sees to it that the machine has the run it is to have, and no other. */
    private synchronized void settle(MachineId id) {
        Optional<Machine> machine = index.get(id);
        Optional<Schedule> wanted = machine.flatMap(MachineScheduler::scheduleOf);
        Optional<RunId> active = engine.activeRun(type, id.text());
        Known seen = known.get(id);
        try {
            if (active.isPresent() && (wanted.isEmpty() || (seen != null && seen.schedule != wanted.get()))) {
                known.remove(id);
                again(id, active.get());
                engine.cancel(active.get(), "the machine has another schedule now, or none");
            } else if (wanted.isEmpty()) {
                known.remove(id);
            } else if (active.isPresent()) {
                if (seen == null || !seen.run.equals(active.get())) {
                    known.put(id, new Known(wanted.get(), active.get()));
                    again(id, active.get());
                }
            } else {
                begin(machine.orElseThrow(), wanted.get());
            }
        } catch (RejectedException e) {
            // It ended at this very moment; its end brings us back here.
            LOG.log(Level.DEBUG, "the schedule of machine " + id + " is looked at again: " + e.getMessage());
        }
    }

    private void begin(Machine m, Schedule schedule) {
        Instant now = clock.wall();
        Instant due = schedule.next(m.created(), now);
        RunId run = engine.start(
                type,
                m.id().text(),
                new LifecycleRequests.Scheduled(m.id().text(), schedule.name(), due.toString()),
                StartOptions.none().delay(Duration.between(now, due)));
        known.put(m.id(), new Known(schedule, run));
        again(m.id(), run);
    }

    private void again(MachineId id, RunId after) {
        // However it ended: a run that was never recorded has no successor otherwise.
        var _ = engine.outcome(after).whenComplete((outcome, failure) -> later(id));
    }

    private LifecycleRequests.Progress start(StepContext<LifecycleRequests.Scheduled, LifecycleRequests.Progress> c)
            throws InterruptedException {
        Optional<Machine> found = index.get(c.request().id());
        if (found.flatMap(MachineScheduler::scheduleOf)
                .filter(s -> s.name().equals(c.request().schedule()))
                .isEmpty()) {
            return new LifecycleRequests.Progress("no longer scheduled");
        }
        Machine m = found.get();
        if (m.state() == MachineState.STARTED) {
            return new LifecycleRequests.Progress("ran already");
        }
        try {
            starter.start(m);
            return new LifecycleRequests.Progress("started");
        } catch (RejectedException e) {
            // No room, or something else is at work on it: the next time comes, and this one is on record.
            records.change(
                    m.id(),
                    now -> now,
                    new MachineRecords.Note(
                            "schedule", "flyd", GuestOperations.reason("not started: " + e.getMessage())));
            return new LifecycleRequests.Progress("not started: " + e.getMessage());
        }
    }
}
