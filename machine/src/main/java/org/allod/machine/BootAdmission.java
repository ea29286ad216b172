package org.allod.machine;

import java.time.Duration;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.allod.base.Bug;
import org.allod.base.MachineId;
import org.allod.base.Timers;

/**
 * Admits boots, resumes and restarts of guests, as many at once as the host can usefully run. Without it, sixty
 * machines that start at once share the processors and all come up at the very end. In order, half of them are up in
 * half the time, and the last is no later. {@link AdmissionQueue} decides the order.
 *
 * <p>A boot counts until its guest is up, and for at most {@link #COUNTED}, because a guest that hangs while booting
 * uses no processor and must not keep others waiting. Safe for any thread.
 */
public final class BootAdmission {
    /**
     * Longer than a boot takes alone (0.2 s for gVisor, 2 s for an emulated microVM). A boot that takes longer waits
     * for something, or the host is so slow that ordering no longer helps.
     */
    static final Duration COUNTED = Duration.ofSeconds(3);

    private final AdmissionQueue<Waiter> queue;
    private final Timers timers;
    private final Map<MachineId, Waiter> waiters = new HashMap<>();
    /** How many requests wait at the edge for each machine's guest. */
    private final Map<MachineId, Integer> awaited = new HashMap<>();

    private long admitted;

    private record Waiter(MachineId machine, BootPriority asked, CompletableFuture<Boolean> mayBegin) {}

    /**
     * The state of admission.
     *
     * @param bound how many boots may run at once
     * @param running boots that count now
     * @param waiting boots that wait, by class
     * @param admitted boots admitted since the daemon started
     */
    public record Stats(int bound, int running, Map<BootPriority, Integer> waiting, long admitted) {}

    BootAdmission(int bound, Timers timers) {
        this.queue = new AdmissionQueue<>(bound);
        this.timers = timers;
    }

    /**
     * How many boots a host with this many processors can usefully run at once. A gVisor boot keeps about one processor
     * busy for two thirds of its time; for the rest it waits for the disk, the kernel's network lock and the guest's
     * first message. Three boots for two processors keep both busy; more only make each of them slower.
     */
    static int bound(int processors) {
        return Math.max(2, processors + processors / 2);
    }

    /** One of the places for boots under way; closing it is idempotent. */
    interface Slot extends AutoCloseable {
        @Override
        void close();
    }

    /** The boot was withdrawn before it began, because nobody waits for it any more. */
    static final class Withdrawn extends Exception {
        Withdrawn(MachineId machine) {
            super("nobody waits for machine " + machine + " any more", null, false, false);
        }
    }

    /** Waits until the boot is admitted. An interrupt ends the wait, and the boot has then not begun. */
    Slot admit(MachineId machine, BootPriority priority) throws InterruptedException, Withdrawn {
        Waiter waiter = new Waiter(machine, priority, new CompletableFuture<>());
        synchronized (this) {
            queue.add(waiter, awaited.containsKey(machine) ? BootPriority.REQUEST : priority);
            waiters.put(machine, waiter);
            admitNext();
        }
        try {
            if (!waiter.mayBegin.get()) {
                throw new Withdrawn(machine);
            }
        } catch (InterruptedException e) {
            forget(waiter);
            throw e;
        } catch (ExecutionException e) {
            throw new Bug("an admission never fails", e);
        }
        AtomicBoolean freed = new AtomicBoolean();
        Timers.Timer timer = timers.after(COUNTED, () -> free(freed));
        return () -> {
            timer.cancel();
            free(freed);
        };
    }

    private void admitNext() {
        for (Optional<Waiter> next = queue.admit(); next.isPresent(); next = queue.admit()) {
            admitted++;
            waiters.remove(next.get().machine, next.get());
            next.get().mayBegin.complete(true);
        }
    }

    private synchronized void forget(Waiter waiter) {
        waiters.remove(waiter.machine, waiter);
        if (!queue.remove(waiter) && waiter.mayBegin.getNow(false)) {
            // It was admitted at the moment of the interrupt, so give its place back.
            queue.release();
            admitNext();
        }
    }

    private void free(AtomicBoolean freed) {
        if (freed.compareAndSet(false, true)) {
            synchronized (this) {
                queue.release();
                admitNext();
            }
        }
    }

    /**
     * Registers a request that waits for this machine: until the result is closed, the machine's boot is in the first
     * class, whoever asked for it.
     */
    synchronized Slot await(MachineId machine) {
        boolean first = awaited.merge(machine, 1, Integer::sum) == 1;
        Waiter waiter = waiters.get(machine);
        if (waiter != null && waiter.asked != BootPriority.REQUEST && first && queue.remove(waiter)) {
            queue.add(waiter, BootPriority.REQUEST);
        }
        AtomicBoolean ended = new AtomicBoolean();
        return () -> {
            if (ended.compareAndSet(false, true)) {
                synchronized (this) {
                    awaited.computeIfPresent(machine, (id, count) -> count == 1 ? null : count - 1);
                }
            }
        };
    }

    /**
     * Withdraws a boot that has not begun, because the request that asked for it is gone.
     *
     * @return false if the boot has begun, or somebody else asked for it
     */
    synchronized boolean withdraw(MachineId machine) {
        Waiter waiter = waiters.get(machine);
        if (waiter == null || waiter.asked != BootPriority.REQUEST || !queue.remove(waiter)) {
            return false;
        }
        waiters.remove(machine);
        waiter.mayBegin.complete(false);
        return true;
    }

    /** The state now. */
    public synchronized Stats stats() {
        Map<BootPriority, Integer> waiting = new EnumMap<>(BootPriority.class);
        for (BootPriority priority : BootPriority.values()) {
            waiting.put(priority, queue.waiting(priority));
        }
        return new Stats(queue.bound(), queue.running(), waiting, admitted);
    }
}
