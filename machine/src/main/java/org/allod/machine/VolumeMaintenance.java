package org.allod.machine;

import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Optional;
import org.allod.base.Clock;
import org.allod.base.SupervisedTimer;
import org.allod.base.Timers;

/**
 * Maintains volumes once a minute: grows full ones that may grow, takes daily snapshots, and removes snapshots whose
 * retention is over by a calendar that is believed ({@link org.allod.base.BelievedClock}). The newest snapshot of a
 * volume stays. A failure for one volume is logged and tried again a minute later; it does not delay the others.
 */
public final class VolumeMaintenance implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger("allod.machine");
    private static final Duration EVERY = Duration.ofMinutes(1);

    private final Volumes volumes;
    private final VolumeIndex book;
    private final VolumeFiles files;
    private final VolumeAccess use;
    private final VolumeKeyStore keys;
    private final MachineIndex machines;
    private final Clock clock;
    private final SupervisedTimer timer;
    private volatile boolean closed;

    VolumeMaintenance(
            Volumes volumes,
            VolumeIndex book,
            VolumeFiles files,
            VolumeAccess use,
            VolumeKeyStore keys,
            MachineIndex machines,
            Clock clock,
            Timers timers) {
        this.volumes = volumes;
        this.book = book;
        this.files = files;
        this.use = use;
        this.keys = keys;
        this.machines = machines;
        this.clock = clock;
        this.timer = new SupervisedTimer("volume-keeper", timers, EVERY, this::look);
    }

    /** Starts the timer; the first round is a minute from now. */
    public void start() {
        SupervisedTimer _ = timer.start();
    }

    /** One round over all volumes. */
    void look() {
        for (Machine machine : machines.all()) {
            if (machine.state() == MachineState.STARTED) {
                machine.config().mounts().stream()
                        .filter(mount -> mount.thresholdPercent() > 0)
                        .forEach(mount -> attempt("grow volume " + mount.volume(), () -> grow(mount)));
            }
        }
        for (Volume volume : book.all()) {
            if (VolumeMaintenancePolicy.snapshotDue(volume, book.snapshots(volume.id()), clock.wall())) {
                attempt("take the daily snapshot of volume " + volume.id(), () -> {
                    var _ = volumes.snapshot(volume, true);
                });
            }
        }
        clock.believedWall()
                .ifPresent(now -> VolumeMaintenancePolicy.over(
                                book.snapshots(), id -> book.get(id).isPresent(), now)
                        .forEach(snapshot -> attempt("remove snapshot " + snapshot.id(), () -> remove(snapshot))));
    }

    private void grow(MachineConfig.Mount mount) throws InterruptedException {
        Optional<Volume> volume = VolumeId.parse(mount.volume()).flatMap(book::get);
        if (volume.isPresent() && volume.get().state() == VolumeState.CREATED) {
            Volume v = volume.get();
            var wanted = VolumeMaintenancePolicy.growth(mount, v.sizeGb(), volumes.space(v));
            if (wanted.isPresent()) {
                LOG.log(Level.INFO, "volume " + v.id() + " is full and grows to " + wanted.getAsInt() + " GB");
                var _ = volumes.extend(v, wanted.getAsInt());
            }
        }
    }

    /** Deletes the file first: a record without a file is removed by the next round, a file without a record never. */
    private void remove(VolumeSnapshot snapshot) {
        // A snapshot that is being restored is left to a later round.
        var _ = use.removed(snapshot.id(), () -> {
            files.delete(snapshot.id());
            keys.forget(snapshot.id().text());
            book.erase(snapshot.id());
        });
    }

    private interface Work {
        void run() throws InterruptedException;
    }

    private void attempt(String what, Work work) {
        if (closed) {
            return;
        }
        try {
            work.run();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            LOG.log(Level.WARNING, "cannot " + what, e);
        }
    }

    @Override
    public void close() {
        closed = true;
        timer.close();
    }
}
