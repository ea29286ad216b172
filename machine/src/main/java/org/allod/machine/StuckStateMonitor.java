package org.allod.machine;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.allod.base.MachineId;
import org.allod.base.SupervisedTask;
import org.allod.base.Timers;
import org.allod.fsm.Engine;
import org.allod.fsm.RunId;
import org.allod.machine.MachineRecords.Note;

/**
 * Watches transient states. One that takes longer than its bound ({@link MachineState#bound}) is not ended, since it
 * may wait for a slow registry or for a guest with a long stop timeout. Instead an event of the machine says what
 * blocks it, and again each time the bound passes.
 */
final class StuckStateMonitor {
    private record Watch(MachineState state, Timers.Timer timer) {}

    private final Timers timers;
    private final Engine engine;
    private final LifecycleDispatcher dispatcher;
    private final MachineRecords records;
    private final Map<MachineId, Watch> watches = new ConcurrentHashMap<>();

    StuckStateMonitor(Timers timers, Engine engine, LifecycleDispatcher dispatcher, MachineRecords records) {
        this.timers = timers;
        this.engine = engine;
        this.dispatcher = dispatcher;
        this.records = records;
    }

    /** Follows a changed record. */
    void follow(Machine m) {
        watches.compute(m.id(), (id, watch) -> {
            if (watch != null && watch.state == m.state()) {
                return watch;
            }
            if (watch != null) {
                watch.timer.cancel();
            }
            return m.state().bound().map(bound -> watch(m, bound)).orElse(null);
        });
    }

    private Watch watch(Machine m, Duration bound) {
        return new Watch(
                m.state(),
                timers.after(
                        bound,
                        () -> SupervisedTask.start(
                                "overdue",
                                "overdue " + m.id(),
                                () -> watched(m.id(), m.state()),
                                () -> report(m.id(), m.state(), bound))));
    }

    private boolean watched(MachineId id, MachineState state) {
        Watch watch = watches.get(id);
        return watch != null && watch.state == state;
    }

    private void report(MachineId id, MachineState state, Duration bound) {
        String blocked = "%s for more than %s: %s".formatted(state.wire(), GoDuration.text(bound), blocker(id));
        records.change(
                        id,
                        m -> m,
                        m -> m.state() == state,
                        new Note("blocked", "flyd", GuestOperations.reason(blocked)))
                .ifPresent(m -> watches.computeIfPresent(id, (i, watch) -> watch(m, bound)));
    }

    /** What the machine waits for, according to its run. */
    private String blocker(MachineId id) {
        Optional<RunId> active = dispatcher.active(id);
        return active.flatMap(engine::get)
                .map(run -> "run %s (%s) is at %s, attempt %d%s"
                        .formatted(
                                run.id(),
                                run.type(),
                                run.step().isEmpty() ? run.phase() : run.step(),
                                run.attempt(),
                                run.error().isEmpty() ? "" : ", last error: " + run.error()))
                .orElse("no run is at work on it; a restart of the daemon settles it");
    }
}
