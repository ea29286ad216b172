package org.allod.machine;

import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.allod.base.Clock;
import org.allod.fsm.Engine;

/**
 * Brings volumes, snapshots, their files and their mounts together after a start of the daemon, once the runs have
 * resumed: what was never acknowledged goes, what is half made goes, what a dead machine had is free again.
 */
final class VolumeRecovery {
    private static final System.Logger LOG = System.getLogger("allod.machine");

    private final Engine engine;
    private final VolumeRuns runs;
    private final VolumeIndex book;
    private final VolumeFiles files;
    private final VolumeKeyStore keys;
    private final VolumeAttachments attachments;
    private final Clock clock;

    VolumeRecovery(
            Engine engine,
            VolumeRuns runs,
            VolumeIndex book,
            VolumeFiles files,
            VolumeKeyStore keys,
            VolumeAttachments attachments,
            Clock clock) {
        this.engine = engine;
        this.runs = runs;
        this.book = book;
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
        for (Volume seen : book.all()) {
            attempt(wrong, () -> settle(seen));
        }
        for (VolumeSnapshot snapshot : book.snapshots()) {
            attempt(wrong, () -> settle(snapshot));
        }
        attempt(wrong, this::removeOrphans);
        attempt(wrong, this::forgetKeys);
        if (!wrong.isEmpty()) {
            RuntimeException first = wrong.removeFirst();
            wrong.forEach(first::addSuppressed);
            throw first;
        }
        book.declareInOrder();
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
        Volume v = book.get(seen.id()).orElse(seen);
        if (active) {
            return;
        }
        switch (v.state()) {
            case CREATING -> {
                // Never acknowledged: the daemon died before the run that makes it was on record.
                files.delete(v.id());
                book.erase(v.id());
                return;
            }
            case EXTENDING, DESTROYING -> book.change(v.id(), now -> now.withState(VolumeState.CREATED, clock.wall()));
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
        if (!active && book.snapshot(s.id()).filter(now -> !now.ready()).isPresent()) {
            files.delete(s.id());
            book.erase(s.id());
        }
    }

    /** A key is made before its volume or snapshot is on record: one whose owner never came to be opens nothing. */
    private void forgetKeys() {
        Set<String> owners = new HashSet<>();
        book.all().forEach(v -> owners.add(v.id().text()));
        book.snapshots().forEach(s -> owners.add(s.id().text()));
        keys.owners().stream().filter(owner -> !owners.contains(owner)).forEach(keys::forget);
    }

    /**
     * Half-made files go. A whole disk that is not on record is somebody's data and stays: records are older than disks
     * where {@code host.db} was brought back from a copy.
     */
    private void removeOrphans() {
        for (VolumeId found : files.volumes()) {
            if (book.get(found).isEmpty() && !files.removeHalf(found)) {
                LOG.log(
                        Level.WARNING,
                        "the disk of volume " + found + " is not on record and is left alone: " + files.image(found));
            }
        }
        files.removeHalfSnapshots();
    }
}
