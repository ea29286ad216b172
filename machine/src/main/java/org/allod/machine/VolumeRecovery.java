package org.allod.machine;

import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.allod.base.Clock;
import org.allod.fsm.Engine;

/**
 * Reconciles the records of volumes and snapshots with their files and mounts when the daemon starts, once the runs
 * have resumed: removes volumes that were never acknowledged and half-made files, and detaches volumes of machines that
 * no longer exist.
 */
final class VolumeRecovery {
    private static final System.Logger LOG = System.getLogger("allod.machine");

    private final Engine engine;
    private final VolumeRuns runs;
    private final VolumeIndex index;
    private final VolumeFiles files;
    private final VolumeKeyStore keys;
    private final VolumeAttachments attachments;
    private final Clock clock;

    VolumeRecovery(
            Engine engine,
            VolumeRuns runs,
            VolumeIndex index,
            VolumeFiles files,
            VolumeKeyStore keys,
            VolumeAttachments attachments,
            Clock clock) {
        this.engine = engine;
        this.runs = runs;
        this.index = index;
        this.files = files;
        this.keys = keys;
        this.attachments = attachments;
        this.clock = clock;
    }

    /**
     * Settles all, each part on its own, so that what is wrong with one volume keeps no other's from being done. May be
     * done again until it has succeeded; only then volumes are in order ({@link VolumeIndex#checkInOrder}). A mount that
     * cannot be undone is none of that: nothing of the volume is lost or shared by it, its next machine is told, and the
     * next start tries again.
     *
     * @throws RuntimeException the first that went wrong, with the others, once all else is done
     */
    void settle(LifecycleDispatcher machines) {
        List<RuntimeException> wrong = new ArrayList<>();
        attempt(wrong, () -> attachments.recover(machines));
        for (Volume seen : index.all()) {
            attempt(wrong, () -> settle(seen));
        }
        for (VolumeSnapshot snapshot : index.snapshots()) {
            attempt(wrong, () -> settle(snapshot));
        }
        attempt(wrong, this::removeOrphans);
        attempt(wrong, this::forgetKeys);
        if (!wrong.isEmpty()) {
            RuntimeException first = wrong.removeFirst();
            wrong.forEach(first::addSuppressed);
            throw first;
        }
        index.declareInOrder();
    }

    private static void attempt(List<RuntimeException> wrong, Runnable part) {
        try {
            part.run();
        } catch (RuntimeException e) {
            wrong.add(e);
        }
    }

    private void settle(Volume seen) {
        boolean active = engine.activeRun(runs.create, seen.id().text()).isPresent();
        // Read again: a run that has ended since has left it in a state that lasts.
        Volume v = index.get(seen.id()).orElse(seen);
        if (active) {
            return;
        }
        switch (v.state()) {
            case CREATING -> {
                // Never acknowledged: the daemon died before the run that makes it was on record.
                files.delete(v.id());
                index.erase(v.id());
                return;
            }
            case EXTENDING, DESTROYING -> index.change(v.id(), now -> now.withState(VolumeState.CREATED, clock.wall()));
            case CREATED, DESTROYED -> {}
        }
        if (v.attached().isEmpty()) {
            unmount(v.id());
        }
    }

    private void unmount(VolumeId id) {
        try {
            files.unmount(id);
        } catch (RuntimeException e) {
            LOG.log(Level.WARNING, "volume " + id + ", which no machine has, stays mounted: " + e.getMessage());
        }
    }

    private void settle(VolumeSnapshot s) {
        boolean active = engine.activeRun(runs.create, s.volume().text()).isPresent();
        if (!active && index.snapshot(s.id()).filter(now -> !now.ready()).isPresent()) {
            files.delete(s.id());
            index.erase(s.id());
        }
    }

    /** Deletes keys without an owner: a key is made before its volume or snapshot is recorded. */
    private void forgetKeys() {
        Set<String> owners = new HashSet<>();
        index.all().forEach(v -> owners.add(v.id().text()));
        index.snapshots().forEach(s -> owners.add(s.id().text()));
        keys.owners().stream().filter(owner -> !owners.contains(owner)).forEach(keys::forget);
    }

    /**
     * Deletes half-made files. A complete disk without a record is kept, since it is somebody's data: after {@code
     * host.db} was restored from a backup, disks may be newer than records.
     */
    private void removeOrphans() {
        for (VolumeId found : files.volumes()) {
            if (index.get(found).isEmpty() && !files.removeHalf(found)) {
                LOG.log(
                        Level.WARNING,
                        "the disk of volume " + found + " is not on record and is left alone: " + files.image(found));
            }
        }
        files.removeHalfSnapshots();
    }
}
