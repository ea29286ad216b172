package org.allod.machine;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.allod.base.Clock;
import org.allod.fsm.Abort;
import org.allod.fsm.Fault;
import org.allod.fsm.Outcome;
import org.allod.fsm.RunType;
import org.allod.fsm.StepContext;
import org.allod.fsm.Unrecoverable;
import org.allod.linux.FileCopy;

/**
 * The run types of a volume's life: their steps and finalizers, in order. They share one action, so at most one run is
 * active for a volume. Every type ends in a finalizer that leaves either a complete volume or snapshot or none,
 * whatever happened, and deletes the files of what did not succeed.
 */
final class VolumeRuns {
    static final String ACTION = "volume";

    private final VolumeIndex volumes;
    private final VolumeFiles files;
    private final VolumeAccess use;
    private final VolumeKeyStore keys;
    private final MachineIndex index;
    private final GuestSpecFactory specs;
    private final GuestRegistry guests;
    private final Clock clock;

    final RunType<VolumeRequests.Simple, VolumeRequests.Progress> create;
    final RunType<VolumeRequests.Fill, VolumeRequests.Progress> fork;
    final RunType<VolumeRequests.Fill, VolumeRequests.Progress> restore;
    final RunType<VolumeRequests.Extend, VolumeRequests.Progress> extend;
    final RunType<VolumeRequests.Snapshot, VolumeRequests.Progress> snapshot;
    final RunType<VolumeRequests.Simple, VolumeRequests.Progress> delete;

    VolumeRuns(
            VolumeIndex volumes,
            VolumeFiles files,
            VolumeAccess use,
            VolumeKeyStore keys,
            MachineIndex index,
            GuestSpecFactory specs,
            GuestRegistry guests,
            Clock clock) {
        this.volumes = volumes;
        this.files = files;
        this.use = use;
        this.keys = keys;
        this.index = index;
        this.specs = specs;
        this.guests = guests;
        this.clock = clock;
        create = RunType.named("volume.create")
                .json(VolumeRequests.Simple.class, VolumeRequests.Progress.class)
                .action(ACTION)
                .step("make", this::make)
                .finalizer("settle", (c, outcome) -> markCreated(c.request().id(), outcome))
                .build();
        fork = RunType.named("volume.fork")
                .json(VolumeRequests.Fill.class, VolumeRequests.Progress.class)
                .action(ACTION)
                .step("copy", this::copyVolume)
                .finalizer("settle", (c, outcome) -> markCreated(c.request().id(), outcome))
                .build();
        restore = RunType.named("volume.restore")
                .json(VolumeRequests.Fill.class, VolumeRequests.Progress.class)
                .action(ACTION)
                .step("copy", this::copySnapshot)
                .finalizer("settle", (c, outcome) -> markCreated(c.request().id(), outcome))
                .build();
        extend = RunType.named("volume.extend")
                .json(VolumeRequests.Extend.class, VolumeRequests.Progress.class)
                .action(ACTION)
                .step("disk", this::extendDisk)
                .step("grow", this::extendGrow)
                .finalizer("settle", (c, outcome) -> finish(c.request().id()))
                .build();
        snapshot = RunType.named("volume.snapshot")
                .json(VolumeRequests.Snapshot.class, VolumeRequests.Progress.class)
                .action(ACTION)
                .step("copy", this::takeSnapshot)
                .finalizer("settle", this::snapshotSettle)
                .build();
        delete = RunType.named("volume.delete")
                .json(VolumeRequests.Simple.class, VolumeRequests.Progress.class)
                .action(ACTION)
                .step("remove", this::remove)
                .finalizer("settle", (c, outcome) -> finishDelete(c.request().id()))
                .build();
    }

    /** Every run type, to be registered with the engine. */
    List<RunType<?, ?>> types() {
        return List.of(create, fork, restore, extend, snapshot, delete);
    }

    private Volume volume(VolumeId id) {
        return volumes.get(id).orElseThrow(() -> new Abort("volume " + id + " is gone"));
    }

    // --- create, fork, restore

    private VolumeRequests.Progress make(StepContext<VolumeRequests.Simple, VolumeRequests.Progress> c)
            throws Exception {
        Volume v = volume(c.request().id());
        BoundedRetry.bounded(c, () -> files.make(v, v.encrypted() ? Optional.of(use.key(v.id())) : Optional.empty()));
        return VolumeRequests.Progress.of("made");
    }

    private VolumeRequests.Progress copyVolume(StepContext<VolumeRequests.Fill, VolumeRequests.Progress> c)
            throws Exception {
        Volume v = volume(c.request().id());
        Volume source = volumes.get(new VolumeId(c.request().from()))
                .filter(s -> s.state() != VolumeState.DESTROYING)
                .orElseThrow(() -> new Unrecoverable(
                        Fault.USER, "volume " + c.request().from() + " was deleted before it could be copied"));
        BoundedRetry.bounded(
                c,
                () -> use.whileStill(source.id(), index, specs, how -> {
                    recordCopy(v, source.id().text(), files.fill(v, files.image(source.id())), how.name());
                    return how;
                }));
        return VolumeRequests.Progress.of("copied");
    }

    private VolumeRequests.Progress copySnapshot(StepContext<VolumeRequests.Fill, VolumeRequests.Progress> c)
            throws Exception {
        Volume v = volume(c.request().id());
        SnapshotId from = new SnapshotId(c.request().from());
        BoundedRetry.bounded(
                c,
                () -> use.whileKept(from, () -> {
                    // Looked up here, where it can no longer be removed.
                    if (volumes.snapshot(from).isEmpty()) {
                        throw new Unrecoverable(
                                Fault.USER, "snapshot " + from + " was removed before it could be restored");
                    }
                    recordCopy(v, from.text(), files.fill(v, files.image(from)), "IDLE");
                    return from;
                }));
        return VolumeRequests.Progress.of("copied");
    }

    private void recordCopy(Volume v, String from, FileCopy.Method method, String how) {
        Volume.CopyNote note = note(from, method, how);
        volumes.change(v.id(), now -> now.withCopy(note, clock.wall()));
    }

    private static Volume.CopyNote note(String from, FileCopy.Method method, String how) {
        return new Volume.CopyNote(from, method.name().toLowerCase(Locale.ROOT), how.toLowerCase(Locale.ROOT));
    }

    /** Ends a create, fork or restore: the volume is complete, or its files, key and record are removed. */
    private void markCreated(VolumeId id, Outcome outcome) {
        Optional<Volume> v = volumes.get(id);
        if (v.isEmpty()) {
            files.delete(id);
        } else if (outcome instanceof Outcome.Completed) {
            finish(id);
        } else if (v.get().state() == VolumeState.CREATING) {
            files.delete(id);
            keys.forget(id.text());
            volumes.erase(id);
        }
    }

    private void finish(VolumeId id) {
        volumes.change(id, now -> now.withState(VolumeState.CREATED, clock.wall()));
    }

    // --- extend

    private VolumeRequests.Progress extendDisk(StepContext<VolumeRequests.Extend, VolumeRequests.Progress> c)
            throws Exception {
        VolumeId id = volume(c.request().id()).id();
        BoundedRetry.bounded(c, () -> files.extend(id, c.request().sizeGb() * Volume.GIB));
        volumes.change(id, now -> now.withSize(c.request().sizeGb(), clock.wall()));
        return VolumeRequests.Progress.of("disk extended");
    }

    private VolumeRequests.Progress extendGrow(StepContext<VolumeRequests.Extend, VolumeRequests.Progress> c) {
        Volume v = volume(c.request().id());
        boolean seen = use.grow(v, v.bytes(), index, guests);
        return new VolumeRequests.Progress(seen ? "grown" : "grows when its machine is started again", !seen);
    }

    // --- snapshot

    private VolumeRequests.Progress takeSnapshot(StepContext<VolumeRequests.Snapshot, VolumeRequests.Progress> c)
            throws Exception {
        Volume v = volume(c.request().id());
        SnapshotId id = c.request().snapshotId();
        VolumeSnapshot wanted =
                volumes.snapshot(id).orElseThrow(() -> new Abort("snapshot " + id + " is no longer wanted"));
        BoundedRetry.bounded(
                c,
                () -> use.whileStill(v.id(), index, specs, how -> {
                    FileCopy.Method method = files.snapshot(v.id(), id);
                    long bytes = FileCopy.allocated(files.image(id));
                    volumes.put(wanted.made(bytes, note(v.id().text(), method, how.name()), wanted.created()));
                    return how;
                }));
        return VolumeRequests.Progress.of("taken");
    }

    private void snapshotSettle(StepContext<VolumeRequests.Snapshot, VolumeRequests.Progress> c, Outcome outcome) {
        SnapshotId id = c.request().snapshotId();
        boolean ready = volumes.snapshot(id).filter(VolumeSnapshot::ready).isPresent();
        if (!ready) {
            files.delete(id);
            keys.forget(id.text());
            volumes.erase(id);
        }
    }

    // --- delete

    private VolumeRequests.Progress remove(StepContext<VolumeRequests.Simple, VolumeRequests.Progress> c)
            throws Exception {
        BoundedRetry.bounded(c, () -> files.delete(c.request().id()));
        return VolumeRequests.Progress.of("removed");
    }

    private void finishDelete(VolumeId id) {
        files.delete(id);
        keys.forget(id.text());
        volumes.change(id, now -> now.withState(VolumeState.DESTROYED, clock.wall()));
        volumes.forgetOld();
    }
}
