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
 * The operations on guests that the steps of several run types share. Every one is idempotent, because steps are
 * retried: it looks for what is already there first.
 */
final class GuestOperations {
    private static final System.Logger LOG = System.getLogger("allod.machine");

    /** How long requests through the edge may take to finish before their machine stops. */
    private static final Duration DRAIN = Duration.ofSeconds(5);

    private final MachineRecords records;
    private final MachineIndex index;
    private final GuestSpecFactory specs;
    private final GuestRegistry guests;
    private final TrafficDrain drain;
    private final BootAdmission admission;
    private final Clock clock;
    /** The monotonic time at which each guest came up, for guests that this daemon started or resumed. */
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

    /** The machine that a run is about. If it is gone the run aborts, since nothing is left to do. */
    Machine machine(MachineId id) {
        return index.get(id).orElseThrow(() -> new Abort("machine " + id + " is gone"));
    }

    /** Runs a part of a step with a bound on its attempts; see {@link BoundedRetry}. */
    void bounded(StepContext<?, ?> c, BoundedRetry.Piece part) throws Exception {
        BoundedRetry.bounded(c, part);
    }

    /** Pulls and prepares the image, and records its digest. */
    void image(Machine m, boolean tenant) {
        Image image = specs.ensure(m.config(), Requester.of(m.app(), tenant));
        records.change(m.id(), now -> now.withImage(ImageNames.of(image), clock.wall()));
    }

    /** Prepares the machine's network, disk and control groups. */
    void prepare(MachineId id) {
        Machine m = machine(id);
        specs.runtime(m).prepare(specs.spec(m));
    }

    /**
     * Waits for boot admission, then resumes the guest if its memory is saved, or boots it from clean. Does nothing if
     * the guest runs.
     *
     * @throws Abort if the boot was withdrawn or its run cancelled before admission; nothing was changed then
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
                // A machine that runs is worth more than saved memory that cannot be restored: discard it and boot.
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

    /** How long the machine's guest has run; measured by the calendar if an earlier daemon brought it up. */
    Duration ranFor(Machine m) {
        Long since = upSince.get(m.id());
        return since != null
                ? Duration.ofNanos(clock.monoNanos() - since)
                : m.started().map(at -> Duration.between(at, clock.wall())).orElse(Duration.ZERO);
    }

    /**
     * Stops the guest: drains its traffic, signals the main process, waits for {@code timeout}, then halts it and
     * discards saved memory.
     *
     * @param signal 0 for the one the configuration names
     * @return how the main process ended; empty if no guest was running
     */
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
        // Release before halting, so that the exit caused here is not handled as one by itself.
        guests.release(id);
        runtime.halt(id);
        runtime.discardSuspended(id);
        return exit.or(() -> running.map(g -> new ExitStatus(137, 9, false)));
    }

    /** Deletes the writable layer of a machine that stays stopped, unless its next start would use it. */
    void markStopped(Machine m) {
        if (m.config().rootfs().persist() != MachineConfig.Rootfs.Persist.ALWAYS) {
            specs.runtime(m).forgetRoot(m.id());
        }
    }

    private static void trySignal(Guest guest, int signal) {
        try {
            guest.signal(signal);
        } catch (RuntimeException e) {
            // PID 1 does not answer; halt ends the guest once the timeout has passed.
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

    /** Drains the guest's traffic, saves its memory and ends it; does nothing if that has been done. */
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

    /** Removes everything of the machine from this host: guest, network, disk, saved memory. */
    void remove(Machine m) {
        drain.drain(m.id(), Duration.ZERO);
        guests.release(m.id());
        upSince.remove(m.id());
        specs.runtime(m).remove(m.id());
    }

    /** Ends the guest and unmounts its volumes, also if something else of the machine cannot be removed. */
    void halt(Machine m) {
        guests.release(m.id());
        specs.runtime(m).halt(m.id());
    }

    static tools.jackson.databind.node.ObjectNode reason(@org.jspecify.annotations.Nullable String text) {
        return JsonNodeFactory.instance.objectNode().put("reason", String.valueOf(text));
    }

    /**
     * The event of a main process's exit in the form of the Machines API: its status is {@code stopped} whatever the
     * machine's state is, and a signal of -1 means none.
     *
     * @param requested whether a stop was asked for
     * @param restarting whether the machine is about to be started again
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
