package org.allod.machine;

import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.allod.linux.Ext4;

/** Decides what maintenance volumes need. Pure; {@link VolumeMaintenance} carries it out. */
final class VolumeMaintenancePolicy {
    static final Duration BETWEEN_SNAPSHOTS = Duration.ofDays(1);

    private VolumeMaintenancePolicy() {}

    /**
     * Whether the daily snapshot is due. A snapshot taken on request counts as the day's; one dated in the future,
     * taken while the calendar was ahead, does not.
     */
    static boolean snapshotDue(Volume volume, List<VolumeSnapshot> snapshots, Instant now) {
        if (!volume.autoBackup() || volume.state() != VolumeState.CREATED) {
            return false;
        }
        Instant last = snapshots.stream()
                .map(VolumeSnapshot::created)
                .filter(at -> !at.isAfter(now))
                .max(Instant::compareTo)
                .orElse(volume.created());
        return !now.isBefore(last.plus(BETWEEN_SNAPSHOTS));
    }

    private static boolean over(VolumeSnapshot snapshot, Instant now) {
        return snapshot.ready() && !now.isBefore(snapshot.until());
    }

    /**
     * The snapshots whose retention is over. The last one of a volume that is not deleted is never among them, since an
     * old snapshot is better than none. If one is dated in the future, the last one before now stays too, because the
     * dates cannot tell which of the two was taken last.
     */
    static List<VolumeSnapshot> over(Collection<VolumeSnapshot> all, Predicate<VolumeId> lives, Instant now) {
        Set<SnapshotId> kept = new HashSet<>();
        newest(all, s -> true).forEach(kept::add);
        newest(all, s -> !s.created().isAfter(now)).forEach(kept::add);
        return all.stream()
                .filter(s -> over(s, now))
                .filter(s -> !lives.test(s.volume()) || !kept.contains(s.id()))
                .toList();
    }

    private static Stream<SnapshotId> newest(Collection<VolumeSnapshot> all, Predicate<VolumeSnapshot> which) {
        Map<VolumeId, VolumeSnapshot> newest = new HashMap<>();
        all.stream()
                .filter(VolumeSnapshot::ready)
                .filter(which)
                .forEach(s -> newest.merge(s.volume(), s, (a, b) -> b.created().isAfter(a.created()) ? b : a));
        return newest.values().stream().map(VolumeSnapshot::id);
    }

    /** The size to grow to, in GiB; empty if the volume is not full enough or may not grow. */
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
