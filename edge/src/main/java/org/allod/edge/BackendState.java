package org.allod.edge;

import java.util.ArrayDeque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.allod.base.MachineId;
import org.jspecify.annotations.Nullable;

/**
 * What changes about a machine between two catalogs: its load, whether it is being emptied, and the connections to it
 * that are free. Lives as long as the machine is in the catalog; shared by all event loops.
 *
 * <p>The race between the last request and a stop is settled as in Dekker's algorithm: a request first adds itself to
 * the load and then looks whether the machine drains; a stop first says that it drains and then looks at the load. At
 * least one of them sees the other, and gives way.
 */
final class BackendState {
    final MachineId id;
    private final AtomicInteger load = new AtomicInteger();
    /** Connections that are free, by event loop; each touched by its loop alone. */
    private final Pool[] pools;
    /** When the last request ended, or when it came up. */
    private volatile long idleSince;

    private volatile boolean draining;
    private volatile boolean waking;
    /** Whether a stop of ours is done, but no catalog has shown it. */
    private volatile boolean stopDone;

    private volatile Backend.@Nullable State lastState;
    private volatile @Nullable CompletableFuture<Boolean> drained;
    /** What a wake found, until the next catalog: it is newer than the one at hand. */
    private volatile @Nullable Backend wokenBackend;

    BackendState(MachineId id, int loops, int idlePerLoop, long now) {
        this.id = id;
        this.idleSince = now;
        pools = new Pool[loops];
        for (int i = 0; i < loops; i++) {
            pools[i] = new Pool(idlePerLoop);
        }
    }

    /** Takes a place for one more, or says that there is none. */
    boolean acquire(Service service) {
        int before = load.getAndIncrement();
        if (draining || !service.underHard(before)) {
            leave();
            return false;
        }
        return true;
    }

    void release(long now) {
        idleSince = now;
        leave();
    }

    private void leave() {
        if (load.decrementAndGet() == 0 && draining) {
            CompletableFuture<Boolean> waiting = drained;
            if (waiting != null) {
                waiting.complete(true);
            }
        }
    }

    int load() {
        return load.get();
    }

    long idleSince() {
        return idleSince;
    }

    void restartIdleTimer(long now) {
        idleSince = now;
    }

    boolean draining() {
        return draining;
    }

    void drain(boolean now) {
        draining = now;
    }

    /** Completes with true when a drained machine has nothing under way any more. */
    synchronized CompletableFuture<Boolean> whenEmpty() {
        CompletableFuture<Boolean> waiting = drained;
        if (waiting == null || waiting.isDone()) {
            waiting = new CompletableFuture<>();
            drained = waiting;
        }
        if (load.get() == 0) {
            waiting.complete(true);
        }
        return waiting;
    }

    /**
     * A stop of ours is done. It goes on taking nothing until a catalog says what it is now: the one at hand may still
     * be from before.
     */
    void markStopped() {
        if (lastState == Backend.State.RUNNING) {
            stopDone = true;
        } else {
            draining = false;
        }
    }

    /** A new catalog says that it is in this state. */
    void onCatalog(Backend.State state, long now) {
        if (state == Backend.State.RUNNING && lastState != Backend.State.RUNNING) {
            idleSince = now;
        }
        if (stopDone || (state != Backend.State.RUNNING && state != Backend.State.STOPPING)) {
            draining = false;
        }
        stopDone = false;
        lastState = state;
        wokenBackend = null;
    }

    boolean waking() {
        return waking;
    }

    void waking(boolean now) {
        waking = now;
    }

    @Nullable
    Backend wokenBackend() {
        return wokenBackend;
    }

    void wokenBackend(@Nullable Backend found) {
        wokenBackend = found;
    }

    Pool pool(int loop) {
        return pools[loop];
    }

    /** Free connections of one event loop to one machine, the one used last on top: the others may grow old and go. */
    static final class Pool {
        private final int max;
        /** None before the first: most machines of a host with many are stopped, and each has a pool a loop. */
        private @Nullable ArrayDeque<UpstreamConnection> kept;

        Pool(int max) {
            this.max = max;
        }

        @Nullable
        UpstreamConnection take() {
            return kept == null ? null : kept.pollLast();
        }

        /** False where there are enough already. */
        boolean put(UpstreamConnection upstream) {
            ArrayDeque<UpstreamConnection> free = kept == null ? new ArrayDeque<>() : kept;
            kept = free;
            if (free.size() >= max) {
                return false;
            }
            free.addLast(upstream);
            return true;
        }

        void remove(UpstreamConnection upstream) {
            if (kept != null) {
                kept.remove(upstream);
            }
        }

        /** Closes what has been free since {@code before}, or everything; whether any is left. */
        boolean closeOlder(long before, boolean all) {
            ArrayDeque<UpstreamConnection> free = kept;
            if (free == null) {
                return false;
            }
            for (UpstreamConnection oldest = free.peekFirst();
                    oldest != null && (all || oldest.freeSince() - before < 0);
                    oldest = free.peekFirst()) {
                free.pollFirst();
                oldest.close();
            }
            return !free.isEmpty();
        }
    }
}
