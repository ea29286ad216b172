package org.allod.machine;

import java.lang.System.Logger.Level;
import java.util.HashSet;
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

    void settle(LifecycleDispatcher machines) {
        attachments.recover(machines);
        for (Volume seen : index.all()) {
            boolean active = engine.activeRun(runs.create, seen.id().text()).isPresent();
            // Read it again, since a run that has ended meanwhile has left it in a lasting state.
            Volume v = index.get(seen.id()).orElse(seen);
            if (active) {
                continue;
            }
            switch (v.state()) {
                case CREATING -> {
                    // Never acknowledged: the daemon died before the create run was durable.
                    files.delete(v.id());
                    index.erase(v.id());
                }
                case EXTENDING, DESTROYING ->
                    index.change(v.id(), now -> now.withState(VolumeState.CREATED, clock.wall()));
                case CREATED, DESTROYED -> {}
            }
            if (v.attached().isEmpty()) {
                files.unmount(v.id());
            }
        }
        for (VolumeSnapshot s : index.snapshots()) {
            boolean active = engine.activeRun(runs.create, s.volume().text()).isPresent();
            if (!active && index.snapshot(s.id()).filter(now -> !now.ready()).isPresent()) {
                files.delete(s.id());
                index.erase(s.id());
            }
        }
        removeOrphans();
        forgetKeys();
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
