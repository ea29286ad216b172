package org.allod.machine;

import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Semaphore;
import org.allod.base.FailedException;
import org.allod.base.MachineId;
import org.allod.base.RejectedException;
import org.allod.base.SupervisedTask;
import org.allod.base.SupervisedThread;
import org.allod.fsm.RunId;
import org.allod.fsm.RunView;
import org.allod.runtime.ExitStatus;
import org.allod.runtime.Guest;
import org.allod.runtime.GuestRuntime;

/**
 * Sees to it that the records and the host agree: when a guest ends by itself, and after a restart of the daemon, when
 * whatever the last one left behind is adopted, finished or removed.
 */
final class Reconciler {
    private static final System.Logger LOG = System.getLogger("allod.machine");

    /** Guests spoken to at once after a restart. */
    private static final int ADOPTIONS = 16;

    private final LifecycleDispatcher dispatcher;
    private final MachineRecords records;
    private final MachineIndex index;
    private final GuestSpecFactory specs;
    private final GuestRegistry guests;
    private final LifecycleRunTypes lifecycle;

    Reconciler(
            LifecycleDispatcher dispatcher,
            MachineRecords records,
            MachineIndex index,
            GuestSpecFactory specs,
            GuestRegistry guests,
            LifecycleRunTypes lifecycle) {
        this.dispatcher = dispatcher;
        this.records = records;
        this.index = index;
        this.specs = specs;
        this.guests = guests;
        this.lifecycle = lifecycle;
    }

    /**
     * A guest ended. If nobody else ended it, a run decides what follows.
     *
     * @throws RuntimeException where no run could be started for it (a full disk, an engine at its bound): to be called
     *     again
     */
    void onGuestExit(Guest guest, ExitStatus exit) {
        while (true) {
            Optional<Machine> m = index.get(guest.machine());
            boolean ours = guests.held(guest.machine()).filter(guest::equals).isPresent();
            if (m.isEmpty() || !ours) {
                return;
            }
            Optional<RunId> active = dispatcher.active(guest.machine());
            if (active.isPresent()) {
                // It may be the very run that ends it; whatever it is, its end tells.
                waitFor(active.get());
                continue;
            }
            if (!index.get(guest.machine()).equals(m)) {
                continue; // A run ended between the two looks: what was read is what was before.
            }
            if (m.get().state() != MachineState.STARTED || startExitRun(m.get(), exit)) {
                return;
            }
        }
    }

    private void waitFor(RunId run) {
        try {
            dispatcher.await(run, java.time.Duration.ofMinutes(1));
        } catch (RejectedException e) {
            // Longer than that, or just over: asked again by the loop.
        }
    }

    private boolean startExitRun(Machine m, ExitStatus exit) {
        try {
            dispatcher.start(
                    lifecycle.exited,
                    m,
                    new LifecycleRequests.Exited(
                            m.id().text(), m.version().toString(), exit.code(), exit.signal(), exit.oomKilled()));
            return true;
        } catch (RejectedException e) {
            if (e.reason() != RejectedException.Reason.CONFLICT) {
                throw e;
            }
            return false;
        }
    }

    /** Before the runs resume: guests and folders of machines nobody knows are removed. */
    void removeOrphans() {
        for (GuestRuntime runtime : specs.runtimes()) {
            for (MachineId found : runtime.present()) {
                if (index.get(found).isEmpty()) {
                    LOG.log(Level.INFO, "removing what is left of machine " + found + ", which is not on record");
                    removeOrphan(runtime, found);
                }
            }
        }
        specs.runtimes().forEach(GuestRuntime::tidy);
    }

    private static void removeOrphan(GuestRuntime runtime, MachineId orphan) {
        try {
            runtime.remove(orphan);
        } catch (RuntimeException e) {
            // The host serves all the same; the next start tries again.
            LOG.log(Level.WARNING, "what is left of machine " + orphan + " could not be removed", e);
        }
    }

    /**
     * A run that a dead daemon left is about to go on: the machine is again in the state that says so, which nobody has
     * written down. But for a run that waits for another, and for one that had settled its machine and only had to end.
     */
    void underWay(RunView run) {
        boolean begun = run.queue().isEmpty() || !run.phase().equals("waiting");
        Optional<MachineId> machine = MachineId.parse(run.subject());
        if (run.queue().filter(MachineModule.INSISTED::equals).isPresent()) {
            machine.ifPresent(id -> lifecycle.forced.begin(id));
        }
        if (begun && machine.isPresent()) {
            lifecycle
                    .during(run.type())
                    .ifPresent(during -> records.publishTransient(
                            machine.get(),
                            m -> m.state() != during && !m.updated().isAfter(run.created()),
                            during));
        }
    }

    /** After the runs have resumed: each machine without one is adopted, or brought to where its record says it is. */
    void settle() {
        List<Thread> adoptions = new ArrayList<>();
        Semaphore atOnce = new Semaphore(ADOPTIONS);
        Set<MachineId> present = new HashSet<>();
        specs.runtimes().forEach(runtime -> present.addAll(runtime.present()));
        for (Machine listed : index.all()) {
            left(listed.id()).ifPresent(m -> {
                try {
                    if (m.state() == MachineState.STARTED) {
                        adoptions.add(SupervisedThread.start("adopt", "adopt " + m.id(), () -> adopt(m, atOnce)));
                    } else {
                        settle(m, present);
                    }
                } catch (RuntimeException e) {
                    // What one machine left behind keeps the host from nothing; its next run tries again.
                    LOG.log(Level.WARNING, "what is left of machine " + m.id() + " could not be put in order", e);
                }
            });
        }
        join(adoptions);
    }

    /**
     * The machine's record, where no run is at work on it: read before and after that was looked at, since the runs that
     * were resumed end meanwhile. A machine whose run has just ended is in order.
     */
    private Optional<Machine> left(MachineId id) {
        Optional<Machine> before = index.get(id);
        return dispatcher.active(id).isEmpty() && index.get(id).equals(before) ? before : Optional.empty();
    }

    private void settle(Machine m, Set<MachineId> present) {
        switch (m.state()) {
            case CREATING -> {
                // Never acknowledged: the daemon died before the run that makes it was on record.
                specs.runtime(m).remove(m.id());
                records.transition(
                        m.id(),
                        MachineState.DESTROYED,
                        new MachineRecords.Note("launch", "flyd", GuestOperations.reason("")));
            }
            case CREATED, STOPPED, FAILED, SUSPENDED -> {
                // Of most that is stopped nothing is on the host, and asking about each would take the most of
                // a start with many.
                if (present.contains(m.id())) {
                    haltIfRunning(m);
                }
            }
            case STARTING, STOPPING, SUSPENDING, RESTARTING, UPDATING, DESTROYING -> {
                // A run leaves no such state behind; only a record written by a version with a fault can.
                LOG.log(Level.WARNING, "machine " + m.id() + " was left " + m.state() + " and is stopped");
                specs.runtime(m).remove(m.id());
                records.transition(
                        m.id(),
                        MachineState.STOPPED,
                        new MachineRecords.Note("stop", "flyd", GuestOperations.reason("left " + m.state())));
            }
            case STARTED, DESTROYED -> {}
        }
    }

    private static void join(List<Thread> threads) {
        try {
            for (Thread thread : threads) {
                thread.join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FailedException("interrupted while adopting guests", e);
        }
    }

    /** Most of an adoption is waiting for the guest's answer, so several are under way at once. */
    private void adopt(Machine m, Semaphore atOnce) {
        atOnce.acquireUninterruptibly();
        try {
            adopt(m);
        } catch (RuntimeException e) {
            // One guest that cannot be spoken to keeps no other from being adopted, and no daemon from serving.
            LOG.log(Level.WARNING, "machine " + m.id() + " could not be adopted yet", e);
            Thread _ = SupervisedTask.start("adopt", "adopt " + m.id(), () -> waits(m), () -> {
                if (waits(m)) {
                    adopt(m);
                }
            });
        } finally {
            atOnce.release();
        }
    }

    private void adopt(Machine m) {
        if (guests.find(m).isEmpty()) {
            boolean _ = startExitRun(m, ExitStatus.LOST);
        }
    }

    /** Whether the machine is still as it was found at the start, and nobody has its guest or is at work on it. */
    private boolean waits(Machine m) {
        return index.get(m.id()).filter(m::equals).isPresent()
                && guests.held(m.id()).isEmpty()
                && dispatcher.active(m.id()).isEmpty();
    }

    private void haltIfRunning(Machine m) {
        if (specs.runtime(m).find(m.id()).isPresent()) {
            LOG.log(Level.WARNING, "machine " + m.id() + " is " + m.state() + " on record but ran; it is halted");
            specs.runtime(m).halt(m.id());
        }
    }
}
