package org.allod.machine;

import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.allod.base.Bug;
import org.allod.base.Clock;
import org.allod.base.MachineId;
import org.allod.fsm.Abort;
import org.allod.fsm.StepContext;
import org.allod.image.Image;
import org.allod.image.Requester;
import org.allod.runtime.ExitStatus;
import org.allod.runtime.Guest;
import org.allod.runtime.GuestRuntime;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * What the steps of the runs do to a guest, shared between them. Each looks for what is already there first: any of
 * them may be the second time.
 */
final class GuestOperations {
    private static final System.Logger LOG = System.getLogger("allod.machine");

    /** What is under way through the edge may finish before a machine goes, up to this. */
    private static final Duration DRAIN = Duration.ofSeconds(5);

    private final MachineRecords records;
    private final MachineIndex index;
    private final GuestSpecFactory specs;
    private final GuestRegistry guests;
    private final TrafficDrain drain;
    private final BootAdmission admission;
    private final Clock clock;
    /** When each guest that this daemon brought up came up, by the process's own time. */
    private final Map<MachineId, Long> upSince = new ConcurrentHashMap<>();

    GuestOperations(
            MachineRecords records,
            MachineIndex index,
            GuestSpecFactory specs,
            GuestRegistry guests,
            TrafficDrain drain,
            BootAdmission admission,
            Clock clock) {
        this.records = records;
        this.index = index;
        this.specs = specs;
        this.guests = guests;
        this.drain = drain;
        this.admission = admission;
        this.clock = clock;
    }

    /** The machine a run is about. One that is gone ends the run: there is nothing left to do. */
    Machine machine(MachineId id) {
        return index.get(id).orElseThrow(() -> new Abort("machine " + id + " is gone"));
    }

    /** Does a piece of a step with a bound on how often it is tried. */
    void bounded(StepContext<?, ?> c, BoundedRetry.Piece piece) throws Exception {
        BoundedRetry.bounded(c, piece);
    }

    /** Makes the image ready and notes which one it is. */
    void image(Machine m, boolean tenant) {
        Image image = specs.ensure(m.config(), Requester.of(m.app(), tenant));
        records.change(m.id(), now -> now.withImage(ImageNames.of(image), clock.wall()));
    }

    /** Network, disk, control groups. */
    void prepare(MachineId id) {
        Machine m = machine(id);
        specs.runtime(m).prepare(specs.spec(m));
    }

    /**
     * Runs the guest once it is its turn: as it was if its memory is saved, from clean otherwise.
     *
     * @throws Abort where its turn never came, because nobody waits for it any more or its run was cancelled: then
     *     nothing was done
     */
    void boot(StepContext<?, ?> c, MachineId id, String source) throws InterruptedException {
        Machine m = machine(id);
        if (guests.find(m).isPresent()) {
            return;
        }
        BootAdmission.Slot slot;
        try {
            slot = admission.admit(id, BootPriority.of(source));
        } catch (BootAdmission.Withdrawn e) {
            throw new Abort(String.valueOf(e.getMessage()));
        } catch (InterruptedException e) {
            if (c.cancelled()) {
                throw new Abort("cancelled before its turn to boot came");
            }
            throw e;
        }
        try (BootAdmission.Slot _ = slot) {
            boot(m, source);
        }
    }

    private void boot(Machine m, String source) {
        MachineId id = m.id();
        GuestRuntime runtime = specs.runtime(m);
        if (runtime.hasSavedMemory(id)) {
            try {
                markRunning(runtime.resume(specs.spec(m)));
                return;
            } catch (RuntimeException e) {
                // Memory that cannot be restored is worth less than a machine that runs.
                LOG.log(Level.WARNING, "machine " + id + " could not be resumed and is booted from clean", e);
                records.change(
                        id, now -> now, new MachineRecords.Note("resume_failed", source, reason(e.getMessage())));
                runtime.halt(id);
                runtime.discardSuspended(id);
            }
        }
        markRunning(runtime.boot(specs.secretSpec(m)));
    }

    private void markRunning(Guest guest) {
        guests.hold(guest);
        upSince.put(guest.machine(), clock.monoNanos());
        index.wakeWaiters(guest.machine());
    }

    /** How long its guest has run or ran, or, where an earlier daemon brought it up, has by the calendar. */
    Duration ranFor(Machine m) {
        Long since = upSince.get(m.id());
        return since != null
                ? Duration.ofNanos(clock.monoNanos() - since)
                : m.started().map(at -> Duration.between(at, clock.wall())).orElse(Duration.ZERO);
    }

    /** Asks the main process to end, waits, and ends the guest whatever it does. How it ended, if it was running. */
    Optional<ExitStatus> stop(Machine m, int signal, Duration timeout) throws InterruptedException {
        MachineId id = m.id();
        GuestRuntime runtime = specs.runtime(m);
        Optional<Guest> running = guests.find(m);
        Optional<ExitStatus> exit = Optional.empty();
        if (running.isPresent()) {
            drain.drain(id, min(DRAIN, timeout));
            if (timeout.isPositive() && !running.get().exited().isDone()) {
                trySignal(running.get(), signal == 0 ? specs.stopSignal(m) : signal);
                exit = exitWithin(running.get(), timeout);
            } else {
                exit = Optional.ofNullable(running.get().exited().getNow(null));
            }
        }
        // Released first, so that the end we cause is not taken for one of its own.
        guests.release(id);
        runtime.halt(id);
        runtime.discardSuspended(id);
        return exit.or(() -> running.map(g -> new ExitStatus(137, 9, false)));
    }

    /** It is not restarted: a layer that the next start would not use takes no disk meanwhile. */
    void markStopped(Machine m) {
        if (m.config().rootfs().persist() != MachineConfig.Rootfs.Persist.ALWAYS) {
            specs.runtime(m).forgetRoot(m.id());
        }
    }

    private static void trySignal(Guest guest, int signal) {
        try {
            guest.signal(signal);
        } catch (RuntimeException e) {
            // A guest whose PID 1 does not listen is ended by halt, after its time.
            LOG.log(Level.DEBUG, "machine " + guest.machine() + " could not be signalled", e);
        }
    }

    private Optional<ExitStatus> exitWithin(Guest guest, Duration timeout) throws InterruptedException {
        try {
            return Optional.of(guest.exited().get(timeout.toMillis(), TimeUnit.MILLISECONDS));
        } catch (TimeoutException e) {
            return Optional.empty();
        } catch (ExecutionException e) {
            throw new Bug("a guest's end never fails", e);
        }
    }

    /** Saves the guest's memory and ends it. */
    void suspend(Machine m) {
        GuestRuntime runtime = specs.runtime(m);
        if (runtime.hasSavedMemory(m.id()) && runtime.find(m.id()).isEmpty()) {
            return;
        }
        drain.drain(m.id(), DRAIN);
        guests.release(m.id());
        runtime.suspend(specs.spec(m));
    }

    boolean hasSavedMemory(Machine m) {
        return specs.runtime(m).hasSavedMemory(m.id());
    }

    Optional<Guest> guest(Machine m) {
        return guests.find(m);
    }

    /** Everything of the machine on this host, gone. */
    void remove(Machine m) {
        drain.drain(m.id(), Duration.ZERO);
        guests.release(m.id());
        upSince.remove(m.id());
        specs.runtime(m).remove(m.id());
    }

    /** Its guest is ended and its volumes are let go of, whatever else there is of it. */
    void halt(Machine m) {
        guests.release(m.id());
        specs.runtime(m).halt(m.id());
    }

    static tools.jackson.databind.node.ObjectNode reason(@org.jspecify.annotations.Nullable String text) {
        return JsonNodeFactory.instance.objectNode().put("reason", String.valueOf(text));
    }

    /**
     * The event of an end, as that API has it: the guest does not run, whatever the machine is at, and no signal is -1.
     *
     * @param requested whether somebody asked for the end
     * @param restarting whether the machine is started again
     */
    MachineRecords.Note exitNote(Machine m, ExitStatus exit, boolean requested, boolean restarting) {
        int signal = exit.signal() == 0 ? -1 : exit.signal();
        tools.jackson.databind.node.ObjectNode note = JsonNodeFactory.instance.objectNode();
        note.putObject("exit_event")
                .put("exit_code", exit.code())
                .put("guest_exit_code", exit.code())
                .put("signal", signal)
                .put("guest_signal", signal)
                .put("oom_killed", exit.oomKilled())
                .put("requested_stop", requested)
                .put("restarting", restarting)
                .put("exited_at", clock.wall().toString());
        note.put("restart_count", m.restarts());
        return new MachineRecords.Note("exit", "flyd", note, Optional.of(MachineState.STOPPED));
    }

    private static Duration min(Duration a, Duration b) {
        return a.compareTo(b) < 0 ? a : b;
    }
}
