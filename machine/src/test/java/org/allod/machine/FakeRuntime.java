package org.allod.machine;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.allod.base.FailedException;
import org.allod.base.MachineId;
import org.allod.runtime.Exec;
import org.allod.runtime.ExecSpec;
import org.allod.runtime.ExitStatus;
import org.allod.runtime.Guest;
import org.allod.runtime.GuestRuntime;
import org.allod.runtime.GuestSpec;
import org.allod.runtime.GuestStats;
import org.allod.runtime.ProbeResult;

/**
 * A model of a host for the run types' harness: it outlives the simulated daemon, as real guests do. The real runtimes
 * have tests of their own, and the assembly's tests use those; this one is here so that every crash point can be tried.
 */
final class FakeRuntime implements GuestRuntime {
    final Set<MachineId> prepared = ConcurrentHashMap.newKeySet();
    final Map<MachineId, FakeGuest> running = new ConcurrentHashMap<>();
    final Set<MachineId> saved = ConcurrentHashMap.newKeySet();
    /** Those whose layers were dropped. */
    final Set<MachineId> forgotten = ConcurrentHashMap.newKeySet();

    int boots;

    /** What a boot waits for: a test's gate. */
    Runnable beforeBoot = () -> {};

    /** What ending a guest, and taking away everything of a machine, comes to in the end: a test's fault. */
    volatile Runnable afterHalt = () -> {};

    volatile Runnable afterRemove = () -> {};

    /** Whether what is booted has ended, with success, by the time that it is booted. */
    boolean brief;

    /** The same with failure. */
    volatile boolean failing;

    final class FakeGuest implements Guest {
        final MachineId id;
        final String version;
        final CompletableFuture<ExitStatus> exit = new CompletableFuture<>();
        /** Completes when it is told that the disk has room again. */
        final CompletableFuture<Void> room = new CompletableFuture<>();

        /** What its writable layer takes. */
        volatile long disk;

        /** Whether that cannot be told now. */
        volatile boolean unreadable;

        /** How often it is not reached before it hears that the disk has room. */
        final AtomicInteger unreached = new AtomicInteger();

        FakeGuest(MachineId id, String version) {
            this.id = id;
            this.version = version;
        }

        @Override
        public MachineId machine() {
            return id;
        }

        @Override
        public CompletableFuture<ExitStatus> exited() {
            return exit;
        }

        @Override
        public void signal(int signal) {
            exit.complete(new ExitStatus(128 + signal, signal, false));
        }

        @Override
        public Exec exec(ExecSpec spec) {
            throw new UnsupportedOperationException("no commands in the model");
        }

        @Override
        public void diskHasRoom() {
            if (unreached.getAndDecrement() > 0) {
                throw new FailedException("not now");
            }
            room.complete(null);
        }

        @Override
        public GuestStats stats() {
            if (unreadable) {
                throw new FailedException("its layer cannot be measured");
            }
            return new GuestStats(0, 0, 0, 0, 0, 0, disk);
        }
    }

    @Override
    public String name() {
        return "gvisor";
    }

    @Override
    public ProbeResult probe() {
        return new ProbeResult(true, "model", Duration.ZERO, true, List.of(), "");
    }

    @Override
    public void prepare(GuestSpec spec) {
        prepared.add(spec.machine());
    }

    @Override
    public Guest boot(GuestSpec spec) {
        FakeGuest known = running.get(spec.machine());
        if (known != null) {
            return known;
        }
        beforeBoot.run();
        prepared.add(spec.machine());
        boots++;
        FakeGuest guest = new FakeGuest(spec.machine(), spec.version());
        running.put(spec.machine(), guest);
        if (brief || failing) {
            guest.exit.complete(new ExitStatus(brief ? 0 : 1, 0, false));
        }
        return guest;
    }

    @Override
    public Optional<Guest> find(MachineId machine) {
        return Optional.ofNullable(running.get(machine));
    }

    @Override
    public void suspend(GuestSpec spec) {
        if (running.remove(spec.machine()) == null && !saved.contains(spec.machine())) {
            throw new AssertionError("nothing to suspend");
        }
        saved.add(spec.machine());
    }

    @Override
    public Guest resume(GuestSpec spec) {
        if (!saved.remove(spec.machine())) {
            throw new AssertionError("nothing to resume");
        }
        FakeGuest guest = new FakeGuest(spec.machine(), spec.version());
        running.put(spec.machine(), guest);
        return guest;
    }

    @Override
    public boolean hasSavedMemory(MachineId machine) {
        return saved.contains(machine);
    }

    @Override
    public void discardSuspended(MachineId machine) {
        saved.remove(machine);
    }

    @Override
    public void halt(MachineId machine) {
        FakeGuest guest = running.remove(machine);
        if (guest != null) {
            guest.exit.complete(new ExitStatus(137, 9, false));
        }
        afterHalt.run();
    }

    @Override
    public void forgetRoot(MachineId machine) {
        forgotten.add(machine);
    }

    @Override
    public void remove(MachineId machine) {
        halt(machine);
        saved.remove(machine);
        afterRemove.run();
        prepared.remove(machine);
    }

    @Override
    public Set<MachineId> present() {
        Set<MachineId> all = new TreeSet<>(prepared);
        all.addAll(running.keySet());
        all.addAll(saved);
        return all;
    }
}
