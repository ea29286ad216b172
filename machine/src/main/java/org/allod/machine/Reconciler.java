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
 * Compares the machines' records with the guests on the host and starts the run that is due: when a guest exits by
 * itself, and when the daemon starts, to adopt, finish or remove what the daemon before it left.
 *
 * <p>At start the order is {@link #removeOrphans}, then the engine resumes its runs ({@link #underWay} for each), then
 * {@link #settle}.
 */
final class Reconciler {
    private static final System.Logger LOG = System.getLogger("allod.machine");

    /** How many guests are adopted at once after a restart. */
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
     * Handles a guest's exit. If no run caused it, an exit run decides whether the machine restarts, stops or is
     * destroyed.
     *
     * @throws RuntimeException if no run could be started (the disk is full, the engine is at its limit); the caller
     *     calls again later
     */
    void onGuestExit(Guest guest, ExitStatus exit) {
        while (true) {
            Optional<Machine> m = index.get(guest.machine());
            boolean current = guests.held(guest.machine()).filter(guest::equals).isPresent();
            if (m.isEmpty() || !current) {
                return;
            }
            Optional<RunId> active = dispatcher.active(guest.machine());
            if (active.isPresent()) {
                // The active run may be the one that ends the guest, so judge again once it has ended.
                waitFor(active.get());
                continue;
            }
            if (!index.get(guest.machine()).equals(m)) {
                continue; // A run ended between the two reads, so the record read first is outdated.
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
            // Timed out, or the run is over: the loop looks again.
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

    /** Removes guests and folders of machines that are not on record. Called before the runs resume. */
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
            // An orphan does not keep the host from serving; the next start of the daemon tries again.
            LOG.log(Level.WARNING, "what is left of machine " + orphan + " could not be removed", e);
        }
    }

    /**
     * Called for each run that is about to resume: publishes the machine's transient state again, since that is never
     * written. Left out are runs that wait in a queue, and runs that had put the machine into its lasting state
     * already.
     */
    void underWay(RunView run) {
        boolean executing = run.queue().isEmpty() || !run.phase().equals("waiting");
        Optional<MachineId> machine = MachineId.parse(run.subject());
        if (run.queue().filter(MachineModule.INSISTED::equals).isPresent()) {
            machine.ifPresent(id -> lifecycle.forced.begin(id));
        }
        if (executing && machine.isPresent()) {
            lifecycle
                    .during(run.type())
                    .ifPresent(during -> records.publishTransient(
                            machine.get(),
                            m -> m.state() != during && !m.updated().isAfter(run.created()),
                            during));
        }
    }

    /**
     * Adopts every started machine, and brings every other one to what its record says, unless a run is active for it.
     * Called after the runs have resumed; returns once each adoption was tried.
     */
    void settle() {
        List<Thread> adoptions = new ArrayList<>();
        Semaphore atOnce = new Semaphore(ADOPTIONS);
        Set<MachineId> present = new HashSet<>();
        specs.runtimes().forEach(runtime -> present.addAll(runtime.present()));
        for (Machine listed : index.all()) {
            withoutRun(listed.id()).ifPresent(m -> {
                try {
                    if (m.state() == MachineState.STARTED) {
                        adoptions.add(SupervisedThread.start("adopt", "adopt " + m.id(), () -> adopt(m, atOnce)));
                    } else {
                        settle(m, present);
                    }
                } catch (RuntimeException e) {
                    // One machine's failure must not keep the host from serving; its next run tries again.
                    LOG.log(Level.WARNING, "what is left of machine " + m.id() + " could not be put in order", e);
                }
            });
        }
        join(adoptions);
    }

    /**
     * The machine's record if no run is active for it. It is read before and after the run is looked for, since resumed
     * runs end meanwhile; a machine whose run has just ended needs nothing.
     */
    private Optional<Machine> withoutRun(MachineId id) {
        Optional<Machine> before = index.get(id);
        return dispatcher.active(id).isEmpty() && index.get(id).equals(before) ? before : Optional.empty();
    }

    private void settle(Machine m, Set<MachineId> present) {
        switch (m.state()) {
            case CREATING -> {
                // The daemon died before the create run was durable, so no caller was told of this machine.
                specs.runtime(m).remove(m.id());
                records.transition(
                        m.id(),
                        MachineState.DESTROYED,
                        new MachineRecords.Note("launch", "flyd", GuestOperations.reason("")));
            }
            case CREATED, STOPPED, FAILED, SUSPENDED -> {
                // Most of these have nothing on the host; asking the runtime about each would dominate the time that a
                // daemon with many machines needs to start.
                if (present.contains(m.id())) {
                    haltIfRunning(m);
                }
            }
            case STARTING, STOPPING, SUSPENDING, RESTARTING, UPDATING, DESTROYING -> {
                // Finalizers leave no transient state; only a record written by a faulty version can have one.
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

    /** Adopts one guest, within the bound on parallel adoptions: most of the time goes into waiting for its answer. */
    private void adopt(Machine m, Semaphore atOnce) {
        atOnce.acquireUninterruptibly();
        try {
            adopt(m);
        } catch (RuntimeException e) {
            // A guest that does not answer must not keep others from being adopted: try it again in the background.
            LOG.log(Level.WARNING, "machine " + m.id() + " could not be adopted yet", e);
            Thread _ = SupervisedTask.start("adopt", "adopt " + m.id(), () -> needsAdoption(m), () -> {
                if (needsAdoption(m)) {
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

    /** Whether the record is unchanged since the daemon started, the guest is not adopted, and no run is active. */
    private boolean needsAdoption(Machine m) {
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
