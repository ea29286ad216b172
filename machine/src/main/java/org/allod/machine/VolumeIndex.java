package org.allod.machine;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.allod.base.RejectedException;

/**
 * The records of all snapshots and of all volumes that are not deleted, in memory; each change is durable first.
 * Changes are serialized, so that a volume found free stays free until the change attaches it. Safe for any thread.
 */
final class VolumeIndex {
    private final VolumeTable table;
    private final Map<VolumeId, Volume> volumes = new ConcurrentHashMap<>();
    private final Map<SnapshotId, VolumeSnapshot> snapshots = new ConcurrentHashMap<>();
    private final ReentrantLock changing = new ReentrantLock();
    /** Recovery is over: what is on record and what is on disk are one. */
    private volatile boolean inOrder;

    VolumeIndex(VolumeTable table) {
        this.table = table;
        table.living().forEach(v -> volumes.put(v.id(), v));
        table.snapshots().forEach(s -> snapshots.put(s.id(), s));
    }

    /** From now on volumes are made and changed. Never taken back. */
    void declareInOrder() {
        inOrder = true;
    }

    /**
     * Refuses what begins something new with volumes while {@link VolumeRecovery} is not over: it takes what is half made,
     * or taken for a machine that is not there yet, for what an earlier daemon left, and removes it. Runs that the start
     * has resumed do not ask: recovery knows these.
     */
    void checkInOrder() {
        if (!inOrder) {
            throw RejectedException.because(
                    RejectedException.Reason.CAPACITY,
                    "this host's volumes are not in order yet after the start of its daemon: until then none is made,"
                            + " changed or given to a machine",
                    "try again in a moment; the daemon's log says what it waits for (recover-volumes)");
        }
    }

    Optional<Volume> get(VolumeId id) {
        return Optional.ofNullable(volumes.get(id));
    }

    /** A volume; also one that was deleted lately. */
    Optional<Volume> find(VolumeId id) {
        return get(id).or(() -> table.find(id));
    }

    /** Every volume that is not deleted, oldest first. */
    List<Volume> all() {
        List<Volume> all = new ArrayList<>(volumes.values());
        all.sort(Comparator.comparing(Volume::created).thenComparing(Volume::id));
        return all;
    }

    List<Volume> destroyed() {
        return table.destroyed();
    }

    void put(Volume volume) {
        var _ = exclusively(() -> {
            table.put(volume);
            if (volume.state() == VolumeState.DESTROYED) {
                volumes.remove(volume.id());
            } else {
                volumes.put(volume.id(), volume);
            }
            return volume;
        });
    }

    /** Changes the record if the volume is not deleted; if {@code by} throws, the record stays as it was. */
    Optional<Volume> change(VolumeId id, UnaryOperator<Volume> by) {
        return exclusively(() -> {
            Optional<Volume> now = get(id);
            if (now.isEmpty()) {
                return now;
            }
            Volume next = by.apply(now.get());
            if (!next.equals(now.get())) {
                put(next);
            }
            return Optional.of(next);
        });
    }

    private <T> T exclusively(Supplier<T> change) {
        return LockOrder.holding(LockOrder.Rank.VOLUME, changing, changing, change::get);
    }

    /** Deletes the record of a volume that was never completed. */
    void erase(VolumeId id) {
        var _ = exclusively(() -> {
            table.erase(id);
            return Optional.ofNullable(volumes.remove(id));
        });
    }

    void forgetOld() {
        table.forgetOld();
    }

    Optional<VolumeSnapshot> snapshot(SnapshotId id) {
        return Optional.ofNullable(snapshots.get(id));
    }

    /** A volume's snapshots, newest first. */
    List<VolumeSnapshot> snapshots(VolumeId volume) {
        return snapshots.values().stream()
                .filter(s -> s.volume().equals(volume))
                .sorted(Comparator.comparing(VolumeSnapshot::created)
                        .thenComparing(VolumeSnapshot::id)
                        .reversed())
                .toList();
    }

    List<VolumeSnapshot> snapshots() {
        return List.copyOf(snapshots.values());
    }

    void put(VolumeSnapshot snapshot) {
        table.put(snapshot);
        snapshots.put(snapshot.id(), snapshot);
    }

    void erase(SnapshotId id) {
        table.erase(id);
        snapshots.remove(id);
    }
}
