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
 * The durable runs of a volume's life. They share one action, so for a volume at most one is active. Each ends in a
 * finalizer that leaves a volume whole or none at all, whatever happened, and gives back the space of what did not come
 * to be.
 */
final class VolumeRuns {
    static final String ACTION = "volume";

    private final VolumeBook volumes;
    private final VolumeFiles files;
    private final VolumeUse use;
    private final KeySource keys;
    private final Book book;
    private final Boots boots;
    private final Guests guests;
    private final Clock clock;

    final RunType<VolumeJob.Simple, VolumeJob.Progress> create;
    final RunType<VolumeJob.Fill, VolumeJob.Progress> fork;
    final RunType<VolumeJob.Fill, VolumeJob.Progress> restore;
    final RunType<VolumeJob.Extend, VolumeJob.Progress> extend;
    final RunType<VolumeJob.Snapshot, VolumeJob.Progress> snapshot;
    final RunType<VolumeJob.Simple, VolumeJob.Progress> delete;

    VolumeRuns(
            VolumeBook volumes,
            VolumeFiles files,
            VolumeUse use,
            KeySource keys,
            Book book,
            Boots boots,
            Guests guests,
            Clock clock) {
        this.volumes = volumes;
        this.files = files;
        this.use = use;
        this.keys = keys;
        this.book = book;
        this.boots = boots;
        this.guests = guests;
        this.clock = clock;
        create = RunType.named("volume.create")
                .json(VolumeJob.Simple.class, VolumeJob.Progress.class)
                .action(ACTION)
                .step("make", this::make)
                .finalizer("settle", (c, outcome) -> made(c.request().id(), outcome))
                .build();
        fork = RunType.named("volume.fork")
                .json(VolumeJob.Fill.class, VolumeJob.Progress.class)
                .action(ACTION)
                .step("copy", this::copyVolume)
                .finalizer("settle", (c, outcome) -> made(c.request().id(), outcome))
                .build();
        restore = RunType.named("volume.restore")
                .json(VolumeJob.Fill.class, VolumeJob.Progress.class)
                .action(ACTION)
                .step("copy", this::copySnapshot)
                .finalizer("settle", (c, outcome) -> made(c.request().id(), outcome))
                .build();
        extend = RunType.named("volume.extend")
                .json(VolumeJob.Extend.class, VolumeJob.Progress.class)
                .action(ACTION)
                .step("disk", this::extendDisk)
                .step("grow", this::extendGrow)
                .finalizer("settle", (c, outcome) -> settled(c.request().id()))
                .build();
        snapshot = RunType.named("volume.snapshot")
                .json(VolumeJob.Snapshot.class, VolumeJob.Progress.class)
                .action(ACTION)
                .step("copy", this::takeSnapshot)
                .finalizer("settle", this::snapshotTaken)
                .build();
        delete = RunType.named("volume.delete")
                .json(VolumeJob.Simple.class, VolumeJob.Progress.class)
                .action(ACTION)
                .step("remove", this::remove)
                .finalizer("settle", (c, outcome) -> removed(c.request().id()))
                .build();
    }

    /** Every type, for the engine to know. */
    List<RunType<?, ?>> types() {
        return List.of(create, fork, restore, extend, snapshot, delete);
    }

    private Volume volume(VolumeId id) {
        return volumes.get(id).orElseThrow(() -> new Abort("volume " + id + " is gone"));
    }

    // --- create, fork, restore

    private VolumeJob.Progress make(StepContext<VolumeJob.Simple, VolumeJob.Progress> c) throws Exception {
        Volume v = volume(c.request().id());
        Tries.bounded(c, () -> files.make(v, v.encrypted() ? Optional.of(use.key(v.id())) : Optional.empty()));
        return VolumeJob.Progress.of("made");
    }

    private VolumeJob.Progress copyVolume(StepContext<VolumeJob.Fill, VolumeJob.Progress> c) throws Exception {
        Volume v = volume(c.request().id());
        Volume source = volumes.get(new VolumeId(c.request().from()))
                .filter(s -> s.state() != VolumeState.DESTROYING)
                .orElseThrow(() -> new Unrecoverable(
                        Fault.USER, "volume " + c.request().from() + " was deleted before it could be copied"));
        Tries.bounded(
                c,
                () -> use.whileStill(source.id(), book, boots, how -> {
                    copied(v, source.id().text(), files.fill(v, files.image(source.id())), how.name());
                    return how;
                }));
        return VolumeJob.Progress.of("copied");
    }

    private VolumeJob.Progress copySnapshot(StepContext<VolumeJob.Fill, VolumeJob.Progress> c) throws Exception {
        Volume v = volume(c.request().id());
        SnapshotId from = new SnapshotId(c.request().from());
        Tries.bounded(
                c,
                () -> use.whileKept(from, () -> {
                    // Looked for once it can no longer be removed.
                    if (volumes.snapshot(from).isEmpty()) {
                        throw new Unrecoverable(
                                Fault.USER, "snapshot " + from + " was removed before it could be restored");
                    }
                    copied(v, from.text(), files.fill(v, files.image(from)), "IDLE");
                    return from;
                }));
        return VolumeJob.Progress.of("copied");
    }

    private void copied(Volume v, String from, FileCopy.Method method, String how) {
        Volume.CopyNote note = note(from, method, how);
        volumes.change(v.id(), now -> now.copied(note, clock.wall()));
    }

    private static Volume.CopyNote note(String from, FileCopy.Method method, String how) {
        return new Volume.CopyNote(from, method.name().toLowerCase(Locale.ROOT), how.toLowerCase(Locale.ROOT));
    }

    /** A new volume is there in full, or nothing of it is. */
    private void made(VolumeId id, Outcome outcome) {
        Optional<Volume> v = volumes.get(id);
        if (v.isEmpty()) {
            files.delete(id);
        } else if (outcome instanceof Outcome.Completed) {
            settled(id);
        } else if (v.get().state() == VolumeState.CREATING) {
            files.delete(id);
            keys.forget(id.text());
            volumes.erase(id);
        }
    }

    private void settled(VolumeId id) {
        volumes.change(id, now -> now.in(VolumeState.CREATED, clock.wall()));
    }

    // --- extend

    private VolumeJob.Progress extendDisk(StepContext<VolumeJob.Extend, VolumeJob.Progress> c) throws Exception {
        VolumeId id = volume(c.request().id()).id();
        Tries.bounded(c, () -> files.extend(id, c.request().sizeGb() * Volume.GIB));
        volumes.change(id, now -> now.sized(c.request().sizeGb(), clock.wall()));
        return VolumeJob.Progress.of("disk extended");
    }

    private VolumeJob.Progress extendGrow(StepContext<VolumeJob.Extend, VolumeJob.Progress> c) {
        Volume v = volume(c.request().id());
        boolean seen = use.grow(v, v.bytes(), book, guests);
        return new VolumeJob.Progress(seen ? "grown" : "grows when its machine is started again", !seen);
    }

    // --- snapshot

    private VolumeJob.Progress takeSnapshot(StepContext<VolumeJob.Snapshot, VolumeJob.Progress> c) throws Exception {
        Volume v = volume(c.request().id());
        SnapshotId id = c.request().snapshotId();
        VolumeSnapshot wanted =
                volumes.snapshot(id).orElseThrow(() -> new Abort("snapshot " + id + " is no longer wanted"));
        Tries.bounded(
                c,
                () -> use.whileStill(v.id(), book, boots, how -> {
                    FileCopy.Method method = files.snapshot(v.id(), id);
                    long bytes = FileCopy.allocated(files.image(id));
                    volumes.put(wanted.made(bytes, note(v.id().text(), method, how.name()), wanted.created()));
                    return how;
                }));
        return VolumeJob.Progress.of("taken");
    }

    private void snapshotTaken(StepContext<VolumeJob.Snapshot, VolumeJob.Progress> c, Outcome outcome) {
        SnapshotId id = c.request().snapshotId();
        boolean ready = volumes.snapshot(id).filter(VolumeSnapshot::ready).isPresent();
        if (!ready) {
            files.delete(id);
            keys.forget(id.text());
            volumes.erase(id);
        }
    }

    // --- delete

    private VolumeJob.Progress remove(StepContext<VolumeJob.Simple, VolumeJob.Progress> c) throws Exception {
        Tries.bounded(c, () -> files.delete(c.request().id()));
        return VolumeJob.Progress.of("removed");
    }

    private void removed(VolumeId id) {
        files.delete(id);
        keys.forget(id.text());
        volumes.change(id, now -> now.in(VolumeState.DESTROYED, clock.wall()));
        volumes.forgetOld();
    }
}
