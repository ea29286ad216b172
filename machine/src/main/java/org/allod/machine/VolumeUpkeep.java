package org.allod.machine;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.OptionalInt;
import org.allod.linux.Ext4;

/** What volumes want done without being asked: pure decisions, carried out by {@link VolumeKeeper}. */
final class VolumeUpkeep {
    static final Duration BETWEEN_SNAPSHOTS = Duration.ofDays(1);

    private VolumeUpkeep() {}

    /** Whether the daily snapshot is due. A snapshot that somebody asked for counts as the day's. */
    static boolean snapshotDue(Volume volume, List<VolumeSnapshot> snapshots, Instant now) {
        if (!volume.autoBackup() || volume.state() != VolumeState.CREATED) {
            return false;
        }
        Instant last = snapshots.stream()
                .map(VolumeSnapshot::created)
                .max(Instant::compareTo)
                .orElse(volume.created());
        return !now.isBefore(last.plus(BETWEEN_SNAPSHOTS));
    }

    static boolean over(VolumeSnapshot snapshot, Instant now) {
        return snapshot.ready() && !now.isBefore(snapshot.until());
    }

    /** The size to grow to; empty where it is not that full, or may not grow. */
    static OptionalInt growth(MachineConfig.Mount mount, int sizeGb, Ext4.Space space) {
        boolean full = mount.thresholdPercent() > 0
                && space.blocks() > 0
                && (space.blocks() - space.available()) * 100 >= space.blocks() * mount.thresholdPercent();
        if (!full) {
            return OptionalInt.empty();
        }
        int wanted = sizeGb + mount.addGb();
        int most = mount.limitGb() > 0 ? Math.min(mount.limitGb(), MountReader.MAX_GB) : MountReader.MAX_GB;
        int next = Math.min(wanted, most);
        return next > sizeGb ? OptionalInt.of(next) : OptionalInt.empty();
    }
}
