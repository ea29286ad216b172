package org.allod.runtime;

import java.nio.file.Files;
import java.time.Duration;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.allod.base.FailedException;
import org.allod.base.MachineId;
import org.allod.base.Poll;
import org.allod.base.RejectedException;
import org.allod.linux.Ext4;
import org.allod.linux.ProcessIdentity;

/** A guest in a microVM. */
record MicroVmGuest(
        RuntimeResources resources,
        MachineId machine,
        MicroVm vm,
        ProcessIdentity process,
        GuestChannel channel,
        OomBaseline mark)
        implements Guest {
    private static final Duration ANSWER = Duration.ofSeconds(20);
    private static final Duration GROW = Duration.ofSeconds(30);
    private static final Duration BUSY = Duration.ofSeconds(5);
    private static final Duration SETTLE = Duration.ofSeconds(5);

    @Override
    public CompletableFuture<ExitStatus> exited() {
        return channel.exited().thenApply(mark::judge);
    }

    @Override
    public void signal(int signal) {
        channel.signal(signal);
    }

    @Override
    public Exec exec(ExecSpec spec) {
        return channel.exec(spec);
    }

    @Override
    public Ext4.Space space(GuestSpec.Volume volume) {
        return channel.volume(HostFrame.Volumes.MEASURE, volume.path(), ANSWER).space();
    }

    /** QEMU is told first; the guest's kernel sees the new size a moment later and only then can use it. */
    @Override
    public void grow(GuestSpec.Volume volume, long bytes) {
        try (Qmp qmp = vm.control()) {
            var _ = qmp.run("block_resize", Map.of("node-name", volume.id(), "size", bytes));
        }
        Poll.until(
                GROW,
                Duration.ofMillis(20),
                "the growth of volume " + volume.id() + " in machine " + machine,
                () -> channel.volume(HostFrame.Volumes.GROW, volume.path(), ANSWER)
                                .diskBytes()
                        >= bytes);
    }

    /** Does {@code work} while the guest has frozen the volume or, if it cannot, while the whole guest is paused. */
    <T> T whileStill(GuestSpec.Volume volume, QuiesceMode.Work<T> work) throws InterruptedException {
        boolean frozen = asked(HostFrame.Volumes.FREEZE, volume);
        try {
            if (frozen) {
                return work.run(QuiesceMode.FROZEN);
            }
            vm.pause();
            try {
                return work.run(QuiesceMode.PAUSED);
            } finally {
                if (process.alive()) {
                    vm.unpause();
                }
            }
        } finally {
            // Also if freezing failed: it may have taken effect all the same.
            boolean _ = asked(HostFrame.Volumes.THAW, volume);
        }
    }

    private boolean asked(HostFrame.Volumes what, GuestSpec.Volume volume) {
        try {
            var _ = channel.volume(what, volume.path(), ANSWER);
            return true;
        } catch (FailedException e) {
            System.getLogger(MicroVmGuest.class.getName())
                    .log(System.Logger.Level.INFO, "machine " + machine + " does not " + what + ": " + e.getMessage());
            return false;
        }
    }

    /** Has the guest flush its volumes; a guest that does not answer is ended all the same. */
    void settle() {
        if (!Files.exists(vm.folders().volumes()) || channel.exited().isDone()) {
            return;
        }
        try {
            var _ = channel.volume(HostFrame.Volumes.SYNC, "", SETTLE);
        } catch (FailedException e) {
            System.getLogger(MicroVmGuest.class.getName())
                    .log(
                            System.Logger.Level.WARNING,
                            "machine " + machine + " is ended before it wrote out its volumes: " + e.getMessage());
        }
    }

    @Override
    public GuestMemory memory() {
        Balloon balloon = new Balloon(vm);
        long limit;
        try {
            limit = balloon.bytes();
        } catch (RejectedException e) {
            // It was booted by a version without balloons, and has the memory it started with.
            GuestStats stats = stats();
            long given = stats.memoryLimitBytes() - ((long) MicroVmRuntime.OVERHEAD_MB << 20);
            return GuestMemory.of(given, stats.memoryBytes());
        }
        OptionalLong free = balloon.available();
        return free.isPresent()
                ? new GuestMemory(limit >> 20, Math.min(limit, free.getAsLong()) >> 20)
                : GuestMemory.of(limit, stats().memoryBytes());
    }

    @Override
    public GuestMemory limitMemory(int megabytes) {
        return alone(() -> {
            var _ = new Balloon(vm).set((long) megabytes << 20);
            return memory();
        });
    }

    @Override
    public long reclaimMemory(int megabytes) {
        return alone(() -> new Balloon(vm).reclaim((long) megabytes << 20) >> 20);
    }

    /** Excludes saving and ending the guest, and copying one of its volumes. */
    private <T> T alone(Supplier<T> work) {
        ReentrantLock still = resources.volumeLock(machine);
        try {
            if (!still.tryLock(BUSY.toMillis(), TimeUnit.MILLISECONDS)) {
                throw RejectedException.because(
                        RejectedException.Reason.CONFLICT,
                        "machine " + machine + " is being suspended, or a copy of its volume made",
                        "try again in a while; nothing was changed");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FailedException("interrupted while waiting for machine " + machine, e);
        }
        try {
            return work.get();
        } finally {
            still.unlock();
        }
    }

    @Override
    public void diskHasRoom() {
        vm.goOnAfterFullDisk();
    }

    @Override
    public long diskBytes() {
        return vm.diskBytes();
    }

    @Override
    public GuestStats stats() {
        return resources.stats(machine, vm.diskBytes());
    }
}
