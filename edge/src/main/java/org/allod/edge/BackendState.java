package org.allod.edge;

import java.util.ArrayDeque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.allod.base.MachineId;
import org.jspecify.annotations.Nullable;

/**
 * Mutable state of one backend between catalogs: its load, whether it is draining, and its pooled connections. Exists
 * as long as the machine is in the catalog; shared by all event loops.
 *
 * <p>The race between the last request and a stop is settled as in Dekker's algorithm: a request first adds itself to
 * the load and then checks whether the machine is draining; a stop first sets draining and then reads the load. At
 * least one of them sees the other and backs off.
 */
final class BackendState {
    final MachineId id;
    private final AtomicInteger load = new AtomicInteger();
    /** Idle connections, one pool for each event loop; only that loop touches its pool. */
    private final Pool[] pools;
    /** When the last request ended, or when the machine came up (monotonic nanoseconds). */
    private volatile long idleSince;

    private volatile boolean draining;
    private volatile boolean waking;
    /** True after the edge has stopped the machine, until a catalog shows it. */
    private volatile boolean stopDone;

    private volatile Backend.@Nullable State lastState;
    private volatile @Nullable CompletableFuture<Boolean> drained;
    /** The backend that a wake returned; it is newer than the current catalog, and the next catalog clears it. */
    private volatile @Nullable Backend wokenBackend;

    BackendState(MachineId id, int loops, int idlePerLoop, long now) {
        this.id = id;
        this.idleSince = now;
        pools = new Pool[loops];
        for (int i = 0; i < loops; i++) {
            pools[i] = new Pool(idlePerLoop);
        }
    }

    /** Adds one to the load; returns false if the machine is draining or at its hard limit. */
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

    /** Completes with true when a draining machine has no request in flight. */
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
     * The edge's own stop is complete. The machine stays draining until a catalog shows its new state, because the
     * current catalog may predate the stop.
     */
    void markStopped() {
        if (lastState == Backend.State.RUNNING) {
            stopDone = true;
        } else {
            draining = false;
        }
    }

    /** Applies the state that a new catalog reports. */
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

    /**
     * Idle connections from one event loop to one machine. The most recently used is taken first, so that the others
     * age and are closed.
     */
    static final class Pool {
        private final int max;
        /**
         * Null until the first connection: most machines of a large host are stopped, and each has one pool for each
         * loop.
         */
        private @Nullable ArrayDeque<UpstreamConnection> kept;

        Pool(int max) {
            this.max = max;
        }

        @Nullable
        UpstreamConnection take() {
            return kept == null ? null : kept.pollLast();
        }

        /** False if the pool is full. */
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

        /** Closes connections that became idle before {@code before}, or all of them; returns whether any is left. */
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
