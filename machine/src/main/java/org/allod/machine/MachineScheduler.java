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
 * Starts machines by their schedule. Each machine's next start is one delayed run, durable like any other. After a
 * restart of the daemon it is still due; if several starts were missed meanwhile, one is carried out.
 *
 * <p>The run only starts the machine. When it has ended, this class records the next one. After a crash in between,
 * {@link #recover} looks at every machine and records what is missing.
 */
final class MachineScheduler {
    private static final System.Logger LOG = System.getLogger("allod.machine");

    /** Starts a machine; throws if it cannot. */
    interface Starter {
        void start(Machine machine) throws InterruptedException;
    }

    private final Engine engine;
    private final MachineIndex index;
    private final MachineRecords records;
    private final Clock clock;
    private final Starter starter;
    private final RunType<LifecycleRequests.Scheduled, LifecycleRequests.Progress> type;
    /** Each machine's delayed run and the schedule that it was recorded for, as far as this daemon knows. */
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

    /** Records runs that are missing and cancels those that are no longer wanted, after a restart. */
    void recover() {
        index.all().stream()
                .filter(m -> m.config().schedule().isPresent())
                .forEach(m -> SupervisedTask.hereOrLater("schedule", () -> settle(m.id())));
    }

    /** Follows a changed record. What that requires takes a flush of the disk, so another thread does it. */
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

    /** Makes the machine have the delayed run that its schedule requires, and no other. */
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
            // The run has just ended, and its end calls this method again.
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
        // Whatever the outcome, since otherwise no next run would be recorded.
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
            // No capacity, or another run is active: record the missed start and wait for the next one.
            records.change(
                    m.id(),
                    now -> now,
                    new MachineRecords.Note(
                            "schedule", "flyd", GuestOperations.reason("not started: " + e.getMessage())));
            return new LifecycleRequests.Progress("not started: " + e.getMessage());
        }
    }
}
