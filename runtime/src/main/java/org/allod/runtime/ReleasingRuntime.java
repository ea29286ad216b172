package org.allod.runtime;

import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.Lock;
import java.util.function.Supplier;
import org.allod.base.MachineId;

/** A runtime whose stopped machines release their kernel resources after a while: {@link StoppedMachineReleaser}. */
public final class ReleasingRuntime implements GuestRuntime {
    private final GuestRuntime runtime;
    private final RuntimeResources resources;
    private final StoppedMachineReleaser releaser;

    public ReleasingRuntime(GuestRuntime runtime, RuntimeResources resources) {
        this.runtime = runtime;
        this.resources = resources;
        this.releaser = resources.releaser();
    }

    private <T> T using(MachineId machine, Supplier<T> work) {
        Lock lock = releaser.using(machine);
        lock.lock();
        try {
            return work.get();
        } finally {
            lock.unlock();
        }
    }

    private void using(MachineId machine, Runnable work) {
        var _ = using(machine, () -> {
            work.run();
            return machine;
        });
    }

    /** As {@link #using}; afterwards no guest is meant to run, whether or not the work succeeded. */
    private void stopping(MachineId machine, Runnable work) {
        try {
            using(machine, work);
        } finally {
            releaser.stopped(machine, this::release);
        }
    }

    private <T> T starting(MachineId machine, Supplier<T> work) {
        return using(machine, () -> {
            releaser.taken(machine);
            try {
                return work.get();
            } catch (RuntimeException e) {
                releaser.stopped(machine, this::release); // skipped if its guest runs after all
                throw e;
            }
        });
    }

    @Override
    public void release(MachineId machine) {
        if (resources.cgroups().processes(machine.text()).isEmpty()) {
            runtime.release(machine);
            resources.release(machine);
        }
    }

    @Override
    public String name() {
        return runtime.name();
    }

    @Override
    public ProbeResult probe() {
        return runtime.probe();
    }

    @Override
    public String fingerprint() {
        return runtime.fingerprint();
    }

    @Override
    public void prepare(GuestSpec spec) {
        stopping(spec.machine(), () -> runtime.prepare(spec));
    }

    @Override
    public Guest boot(GuestSpec spec) {
        return starting(spec.machine(), () -> runtime.boot(spec));
    }

    @Override
    public Optional<Guest> find(MachineId machine) {
        return using(machine, () -> runtime.find(machine));
    }

    @Override
    public void suspend(GuestSpec spec) {
        stopping(spec.machine(), () -> runtime.suspend(spec));
    }

    @Override
    public Guest resume(GuestSpec spec) {
        return starting(spec.machine(), () -> runtime.resume(spec));
    }

    @Override
    public boolean hasSavedMemory(MachineId machine) {
        return using(machine, () -> runtime.hasSavedMemory(machine));
    }

    @Override
    public void discardSuspended(MachineId machine) {
        using(machine, () -> runtime.discardSuspended(machine));
    }

    @Override
    public void halt(MachineId machine) {
        stopping(machine, () -> runtime.halt(machine));
    }

    @Override
    public void forgetRoot(MachineId machine) {
        using(machine, () -> runtime.forgetRoot(machine));
    }

    @Override
    public void remove(MachineId machine) {
        releaser.taken(machine);
        using(machine, () -> runtime.remove(machine));
        releaser.taken(machine);
    }

    @Override
    public <T> T withVolumeQuiesced(MachineId machine, GuestSpec.Volume volume, QuiesceMode.Work<T> work)
            throws InterruptedException {
        return runtime.withVolumeQuiesced(machine, volume, work); // needs no resource that is released
    }

    @Override
    public void tidy() {
        runtime.tidy();
        // What an earlier daemon prepared; machines whose guests run are skipped.
        resources.networks().present().forEach(machine -> releaser.stopped(machine, this::release));
    }

    @Override
    public Set<MachineId> present() {
        return runtime.present();
    }
}
