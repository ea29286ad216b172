package org.allod.machine;

import static org.allod.machine.MachineState.CREATED;
import static org.allod.machine.MachineState.CREATING;
import static org.allod.machine.MachineState.DESTROYED;
import static org.allod.machine.MachineState.DESTROYING;
import static org.allod.machine.MachineState.FAILED;
import static org.allod.machine.MachineState.RESTARTING;
import static org.allod.machine.MachineState.STARTED;
import static org.allod.machine.MachineState.STARTING;
import static org.allod.machine.MachineState.STOPPED;
import static org.allod.machine.MachineState.STOPPING;
import static org.allod.machine.MachineState.SUSPENDED;
import static org.allod.machine.MachineState.SUSPENDING;
import static org.allod.machine.MachineState.UPDATING;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.allod.base.Clock;
import org.allod.base.MachineId;
import org.allod.fsm.Outcome;
import org.allod.fsm.RunType;
import org.allod.fsm.StepContext;
import org.allod.image.Requester;
import org.allod.machine.MachineRecords.Note;
import org.allod.runtime.ExitStatus;

/**
 * The run types of a machine's life: their steps and finalizers, in order. They share one action, so at most one run is
 * active for a machine. Every type ends in a finalizer that puts the machine into a lasting state whatever happened;
 * therefore no transient state outlives its run.
 *
 * <p>Steps change the host and are idempotent, since they are retried and resumed. A step publishes a transient state
 * in memory only; lasting states are written ({@link MachineRecords}).
 */
final class LifecycleRunTypes {
    /** One action for all: a machine's runs exclude each other. */
    static final String ACTION = "lifecycle";

    /** A guest that ran at least this long resets the count of restarts in a row. */
    private static final Duration WELL = Duration.ofMinutes(1);

    private final MachineRecords records;
    private final MachineIndex index;
    private final GuestOperations guests;
    private final GuestSpecFactory specs;
    /** Detaches a machine's volumes that its current configuration does not name. */
    private final Consumer<MachineId> settleVolumes;

    private final Sleeper sleeper;
    private final Clock clock;
    final ForcedDestroys forced = new ForcedDestroys();

    final RunType<LifecycleRequests.Create, LifecycleRequests.Progress> create;
    final RunType<LifecycleRequests.Simple, LifecycleRequests.Progress> start;
    final RunType<LifecycleRequests.Stop, LifecycleRequests.Progress> stop;
    final RunType<LifecycleRequests.Stop, LifecycleRequests.Progress> restart;
    final RunType<LifecycleRequests.Simple, LifecycleRequests.Progress> suspend;
    final RunType<LifecycleRequests.Update, LifecycleRequests.Progress> update;
    final RunType<LifecycleRequests.Simple, LifecycleRequests.Progress> destroy;
    final RunType<LifecycleRequests.Exited, LifecycleRequests.Progress> exited;

    LifecycleRunTypes(
            MachineRecords records,
            MachineIndex index,
            GuestOperations guests,
            GuestSpecFactory specs,
            Consumer<MachineId> settleVolumes,
            Sleeper sleeper,
            Clock clock) {
        this.records = records;
        this.index = index;
        this.guests = guests;
        this.specs = specs;
        this.settleVolumes = settleVolumes;
        this.sleeper = sleeper;
        this.clock = clock;
        create = RunType.named("machine.create")
                .json(LifecycleRequests.Create.class, LifecycleRequests.Progress.class)
                .action(ACTION)
                .step("image", this::createImage)
                .step("prepare", this::createPrepare)
                .step("boot", this::createBoot)
                .finalizer("settle", forced.yielding(this::createSettle))
                .build();
        start = RunType.named("machine.start")
                .json(LifecycleRequests.Simple.class, LifecycleRequests.Progress.class)
                .action(ACTION)
                .step("boot", this::startBoot)
                .finalizer(
                        "settle",
                        forced.yielding((c, outcome) -> settleRunning(
                                c.request().id(), outcome, c.request().source())))
                .build();
        stop = RunType.named("machine.stop")
                .json(LifecycleRequests.Stop.class, LifecycleRequests.Progress.class)
                .action(ACTION)
                .step("stop", this::stopStop)
                .step("prepare", this::stopPrepare)
                .finalizer("settle", forced.yielding(this::stopSettle))
                .build();
        restart = RunType.named("machine.restart")
                .json(LifecycleRequests.Stop.class, LifecycleRequests.Progress.class)
                .action(ACTION)
                .step("stop", this::restartStop)
                .step("boot", this::restartBoot)
                .finalizer(
                        "settle",
                        forced.yielding((c, outcome) -> settleRunning(
                                c.request().id(), outcome, c.request().source())))
                .build();
        suspend = RunType.named("machine.suspend")
                .json(LifecycleRequests.Simple.class, LifecycleRequests.Progress.class)
                .action(ACTION)
                .step("save", this::suspendSave)
                .finalizer("settle", forced.yielding(this::suspendSettle))
                .build();
        update = RunType.named("machine.update")
                .json(LifecycleRequests.Update.class, LifecycleRequests.Progress.class)
                .action(ACTION)
                .step("image", this::updateImage)
                .step("stop", this::updateStop)
                .step("switch", this::updateSwitch)
                .step("boot", this::updateBoot)
                .finalizer("settle", forced.yielding(this::updateSettle))
                .build();
        destroy = RunType.named("machine.destroy")
                .json(LifecycleRequests.Simple.class, LifecycleRequests.Progress.class)
                .action(ACTION)
                .step("remove", this::destroyRemove)
                .finalizer("settle", this::destroySettle)
                .build();
        exited = RunType.named("machine.exited")
                .json(LifecycleRequests.Exited.class, LifecycleRequests.Progress.class)
                .action(ACTION)
                .step("clean", this::exitedClean)
                .step("again", this::exitedAgain)
                .finalizer("settle", forced.yielding(this::exitedSettle))
                .build();
    }

    /** Every run type, to be registered with the engine. */
    List<RunType<?, ?>> types() {
        return List.of(create, start, stop, restart, suspend, update, destroy, exited);
    }

    /**
     * The transient state that a run of this type justifies; empty for types that need none published when they resume
     * (a create, whose first record is written as {@code creating}, and an exit).
     */
    Optional<MachineState> during(String type) {
        Map<String, MachineState> during = Map.of(
                start.name(), STARTING,
                stop.name(), STOPPING,
                restart.name(), RESTARTING,
                suspend.name(), SUSPENDING,
                update.name(), UPDATING,
                destroy.name(), DESTROYING);
        return Optional.ofNullable(during.get(type));
    }

    // --- create

    private LifecycleRequests.Progress createImage(StepContext<LifecycleRequests.Create, LifecycleRequests.Progress> c)
            throws Exception {
        Machine m = guests.machine(c.request().id());
        guests.bounded(c, () -> guests.image(m, c.request().byTenant()));
        return new LifecycleRequests.Progress("image ready");
    }

    private LifecycleRequests.Progress createPrepare(
            StepContext<LifecycleRequests.Create, LifecycleRequests.Progress> c) throws Exception {
        MachineId id = c.request().id();
        guests.bounded(c, () -> guests.prepare(id));
        records.transition(id, c.request().launch() ? STARTING : CREATED, Note.of("launch", "user"));
        return new LifecycleRequests.Progress("prepared");
    }

    private LifecycleRequests.Progress createBoot(StepContext<LifecycleRequests.Create, LifecycleRequests.Progress> c)
            throws Exception {
        if (c.request().launch()) {
            guests.bounded(c, () -> guests.boot(c, c.request().id(), "user"));
        }
        return new LifecycleRequests.Progress("done");
    }

    private void createSettle(StepContext<LifecycleRequests.Create, LifecycleRequests.Progress> c, Outcome outcome) {
        MachineId id = c.request().id();
        Optional<Machine> m = index.get(id);
        if (m.isPresent() && m.get().state() == CREATING) {
            // The create failed before "prepare" was done: remove everything, so that the name is free again.
            guests.remove(m.get());
            records.finish(id, DESTROYED, new Note("launch", "flyd", GuestOperations.reason(outcome.detail())));
        } else if (c.request().launch()) {
            settleRunning(id, outcome, "user");
        }
    }

    // --- start

    private LifecycleRequests.Progress startBoot(StepContext<LifecycleRequests.Simple, LifecycleRequests.Progress> c)
            throws Exception {
        MachineId id = c.request().id();
        resetRestarts(guests.machine(id));
        records.publishTransient(id, STARTING);
        guests.bounded(c, () -> guests.boot(c, id, c.request().source()));
        return new LifecycleRequests.Progress("running");
    }

    /** An explicit start or restart gives the machine its full number of restarts by policy again. */
    private void resetRestarts(Machine m) {
        if (m.restarts() > 0) {
            records.change(m.id(), now -> now.withRestarts(0, clock.wall()));
        }
    }

    /** Ends a run that was to leave the machine running: it is started, or its guest is removed and it has failed. */
    private void settleRunning(MachineId id, Outcome outcome, String source) {
        Optional<Machine> m = index.get(id);
        if (m.isEmpty()) {
            return;
        }
        if (outcome instanceof Outcome.Completed) {
            records.finish(id, STARTED, Note.of("start", source));
        } else {
            settleNotRunning(m.get(), outcome);
        }
    }

    private void settleNotRunning(Machine m, Outcome outcome) {
        if (outcome instanceof Outcome.Aborted && guests.guest(m).isEmpty()) {
            // The boot was withdrawn before it was admitted: saved memory and disks are untouched and are kept.
            records.finish(
                    m.id(),
                    guests.hasSavedMemory(m) ? SUSPENDED : STOPPED,
                    new Note("start_withdrawn", "flyd", GuestOperations.reason(outcome.detail())));
            return;
        }
        guests.remove(m);
        MachineState to = outcome instanceof Outcome.Cancelled ? STOPPED : FAILED;
        String type = to == STOPPED ? "stop" : "start";
        records.finish(m.id(), to, new Note(type, "flyd", GuestOperations.reason(outcome.detail())));
    }

    // --- stop

    private LifecycleRequests.Progress stopStop(StepContext<LifecycleRequests.Stop, LifecycleRequests.Progress> c)
            throws Exception {
        Machine m = guests.machine(c.request().id());
        records.publishTransient(m.id(), STOPPING);
        Optional<ExitStatus> exit =
                guests.stop(m, c.request().signal(), c.request().timeout());
        exit.ifPresent(e -> records.change(m.id(), now -> now, guests.exitNote(m, e, true, false)));
        guests.markStopped(m);
        return new LifecycleRequests.Progress("stopped");
    }

    /** Prepares network and folders now, so that the next start is fast. A failure here does not fail the stop. */
    private LifecycleRequests.Progress stopPrepare(StepContext<LifecycleRequests.Stop, LifecycleRequests.Progress> c) {
        prepareAhead(c.request().id());
        return new LifecycleRequests.Progress("prepared");
    }

    private void prepareAhead(MachineId id) {
        try {
            guests.prepare(id);
        } catch (RuntimeException e) {
            System.getLogger("allod.machine")
                    .log(System.Logger.Level.INFO, "machine " + id + " is not prepared ahead: " + e.getMessage());
        }
    }

    private void stopSettle(StepContext<LifecycleRequests.Stop, LifecycleRequests.Progress> c, Outcome outcome) {
        index.get(c.request().id()).ifPresent(m -> {
            if (m.config().autoDestroy()) {
                guests.remove(m);
                records.finish(m.id(), DESTROYED, Note.of("destroy", "flyd"));
            } else if (outcome instanceof Outcome.Completed) {
                records.finish(m.id(), STOPPED, Note.of("stop", c.request().source()));
            } else {
                guests.remove(m);
                records.finish(m.id(), STOPPED, new Note("stop", "flyd", GuestOperations.reason(outcome.detail())));
            }
        });
    }

    // --- restart

    private LifecycleRequests.Progress restartStop(StepContext<LifecycleRequests.Stop, LifecycleRequests.Progress> c)
            throws Exception {
        Machine m = guests.machine(c.request().id());
        resetRestarts(m);
        records.publishTransient(m.id(), RESTARTING);
        if (c.attempt() == 1 && !c.resumed()) {
            records.change(m.id(), now -> now, Note.of("restart", c.request().source()));
        }
        Optional<ExitStatus> exit =
                guests.stop(m, c.request().signal(), c.request().timeout());
        exit.ifPresent(e -> records.change(m.id(), now -> now, guests.exitNote(m, e, true, true)));
        return new LifecycleRequests.Progress("stopped");
    }

    private LifecycleRequests.Progress restartBoot(StepContext<LifecycleRequests.Stop, LifecycleRequests.Progress> c)
            throws Exception {
        guests.bounded(c, () -> guests.boot(c, c.request().id(), c.request().source()));
        return new LifecycleRequests.Progress("running");
    }

    // --- suspend

    private LifecycleRequests.Progress suspendSave(StepContext<LifecycleRequests.Simple, LifecycleRequests.Progress> c)
            throws Exception {
        Machine m = guests.machine(c.request().id());
        records.publishTransient(m.id(), SUSPENDING);
        guests.bounded(c, () -> guests.suspend(m));
        return new LifecycleRequests.Progress("saved");
    }

    private void suspendSettle(StepContext<LifecycleRequests.Simple, LifecycleRequests.Progress> c, Outcome outcome) {
        Optional<Machine> m = index.get(c.request().id());
        if (m.isEmpty()) {
            return;
        }
        if (guests.hasSavedMemory(m.get()) && guests.guest(m.get()).isEmpty()) {
            records.finish(
                    m.get().id(), SUSPENDED, Note.of("suspend", c.request().source()));
        } else if (guests.guest(m.get()).isPresent()) {
            // The memory could not be saved, so the guest runs on: a stop would lose what it holds.
            records.finish(
                    m.get().id(),
                    STARTED,
                    new Note("suspend_failed", "flyd", GuestOperations.reason(outcome.detail())));
        } else {
            guests.remove(m.get());
            records.finish(
                    m.get().id(),
                    STOPPED,
                    new Note("suspend_failed", "flyd", GuestOperations.reason(outcome.detail())));
        }
    }

    // --- update

    private LifecycleRequests.Progress updateImage(StepContext<LifecycleRequests.Update, LifecycleRequests.Progress> c)
            throws Exception {
        Machine m = guests.machine(c.request().id());
        MachineConfig next = c.request().next();
        records.publishTransient(m.id(), UPDATING);
        guests.bounded(
                c, () -> specs.ensure(next, Requester.of(m.app(), c.request().byTenant())));
        return new LifecycleRequests.Progress("image ready");
    }

    private LifecycleRequests.Progress updateStop(StepContext<LifecycleRequests.Update, LifecycleRequests.Progress> c)
            throws Exception {
        Machine m = guests.machine(c.request().id());
        guests.stop(m, 0, m.config().stop().timeout());
        return new LifecycleRequests.Progress("stopped");
    }

    private LifecycleRequests.Progress updateSwitch(StepContext<LifecycleRequests.Update, LifecycleRequests.Progress> c)
            throws Exception {
        MachineId id = c.request().id();
        MachineConfig next = c.request().next();
        Machine m = guests.machine(id);
        if (!m.version().equals(c.request().ulid())) {
            guests.remove(m);
            records.change(
                    id, now -> now.withConfig(c.request().ulid(), next, clock.wall()), Note.of("update", "user"));
        }
        guests.bounded(c, () -> {
            guests.image(guests.machine(id), c.request().byTenant());
            guests.prepare(id);
        });
        return new LifecycleRequests.Progress("switched");
    }

    private LifecycleRequests.Progress updateBoot(StepContext<LifecycleRequests.Update, LifecycleRequests.Progress> c)
            throws Exception {
        if (c.request().running()) {
            guests.bounded(c, () -> guests.boot(c, c.request().id(), "user"));
        }
        return new LifecycleRequests.Progress("done");
    }

    private void updateSettle(StepContext<LifecycleRequests.Update, LifecycleRequests.Progress> c, Outcome outcome) {
        Optional<Machine> m = index.get(c.request().id());
        if (m.isEmpty()) {
            return;
        }
        // Detach before the record is final: a caller who waited for it may attach these volumes at once.
        settleVolumes.accept(m.get().id());
        boolean switched = m.get().version().equals(c.request().ulid());
        if (!switched) {
            records.finish(
                    m.get().id(),
                    asBefore(m.get(), c.request()),
                    new Note("update_failed", "flyd", GuestOperations.reason(outcome.detail())));
        } else if (c.request().running()) {
            settleRunning(m.get().id(), outcome, "user");
        } else {
            records.finish(m.get().id(), STOPPED, new Note("update", "flyd", GuestOperations.reason(outcome.detail())));
        }
    }

    /**
     * The state after an update that failed before the switch: the one before it, where guest or memory still exist.
     */
    private MachineState asBefore(Machine m, LifecycleRequests.Update request) {
        if (guests.guest(m).isPresent()) {
            return STARTED;
        }
        return request.settled() == SUSPENDED && !guests.hasSavedMemory(m) ? STOPPED : request.settled();
    }

    // --- destroy

    private LifecycleRequests.Progress destroyRemove(
            StepContext<LifecycleRequests.Simple, LifecycleRequests.Progress> c) {
        Optional<String> left = index.get(c.request().id()).flatMap(m -> {
            records.publishTransient(m.id(), DESTROYING);
            return forced.remove(c, () -> guests.remove(m), () -> guests.halt(m));
        });
        return new LifecycleRequests.Progress(left.orElse("removed"));
    }

    private void destroySettle(StepContext<LifecycleRequests.Simple, LifecycleRequests.Progress> c, Outcome outcome) {
        MachineId id = c.request().id();
        Optional<String> left =
                index.get(id).flatMap(m -> forced.remove(c, () -> guests.remove(m), () -> guests.halt(m)));
        String source = c.request().source();
        records.finish(
                id,
                DESTROYED,
                left.map(what -> new Note("destroy", source, GuestOperations.reason(what)))
                        .orElseGet(() -> Note.of("destroy", source)));
        forced.end(id);
    }

    // --- exited: the main process ended without having been asked to

    private LifecycleRequests.Progress exitedClean(StepContext<LifecycleRequests.Exited, LifecycleRequests.Progress> c)
            throws Exception {
        Machine m = guests.machine(c.request().id());
        ExitStatus exit = c.request().exit();
        boolean well = guests.ranFor(m).compareTo(WELL) >= 0;
        Machine counted = well ? m.withRestarts(0, clock.wall()) : m;
        if (c.response().isEmpty() && !c.resumed()) {
            boolean again =
                    RestartDecision.decide(m.config(), exit, counted.restarts()) instanceof RestartDecision.Restart;
            records.change(
                    m.id(),
                    now -> well ? now.withRestarts(0, clock.wall()) : now,
                    guests.exitNote(counted, exit, false, again));
        }
        guests.stop(m, 9, Duration.ZERO);
        return new LifecycleRequests.Progress("ended with " + exit.code(), counted.restarts());
    }

    private LifecycleRequests.Progress exitedAgain(StepContext<LifecycleRequests.Exited, LifecycleRequests.Progress> c)
            throws Exception {
        Machine m = guests.machine(c.request().id());
        // Decide by the count that "clean" recorded: a first try of this step may have raised the machine's count
        // already.
        int before = restartsBefore(c, m);
        if (!(RestartDecision.decide(m.config(), c.request().exit(), before)
                instanceof RestartDecision.Restart(Duration time))) {
            return new LifecycleRequests.Progress("not restarted", before);
        }
        if (guests.guest(m).isEmpty()) {
            records.publishTransient(m.id(), RESTARTING);
            sleeper.sleep(time);
            records.change(m.id(), now -> now.withRestarts(before + 1, clock.wall()));
            guests.bounded(c, () -> guests.boot(c, m.id(), "flyd"));
        }
        records.transition(m.id(), STARTED, Note.of("start", "flyd"));
        return new LifecycleRequests.Progress("restarted", before);
    }

    private static int restartsBefore(StepContext<LifecycleRequests.Exited, LifecycleRequests.Progress> c, Machine m) {
        Integer recorded =
                c.response().map(LifecycleRequests.Progress::restarts).orElse(null);
        return recorded == null ? m.restarts() : recorded;
    }

    private void exitedSettle(StepContext<LifecycleRequests.Exited, LifecycleRequests.Progress> c, Outcome outcome) {
        Optional<Machine> found = index.get(c.request().id());
        if (found.isEmpty()) {
            return;
        }
        Machine m = found.get();
        boolean restarted =
                c.response().filter(r -> r.note().equals("restarted")).isPresent();
        if (restarted && outcome instanceof Outcome.Completed) {
            return;
        }
        if (!(outcome instanceof Outcome.Completed)) {
            settleNotRunning(m, outcome);
            return;
        }
        switch (RestartDecision.decide(m.config(), c.request().exit(), restartsBefore(c, m))) {
            case RestartDecision.Destroy() -> {
                guests.remove(m);
                records.finish(m.id(), DESTROYED, Note.of("destroy", "flyd"));
            }
            case RestartDecision.GiveUp() ->
                records.finish(
                        m.id(),
                        FAILED,
                        new Note(
                                "restart_failed",
                                "flyd",
                                GuestOperations.reason("restarted " + m.restarts() + " times in vain")));
            case RestartDecision.Stop _, RestartDecision.Restart _ -> {
                guests.markStopped(m);
                records.finish(m.id(), STOPPED, Note.of("stop", "flyd"));
                prepareAhead(m.id());
            }
        }
    }
}
