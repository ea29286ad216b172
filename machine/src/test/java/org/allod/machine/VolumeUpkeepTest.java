package org.allod.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.allod.linux.Ext4;
import org.junit.jupiter.api.Test;

class VolumeUpkeepTest {
    private static final Instant T0 = Instant.parse("2026-01-01T00:00:00Z");

    private static Volume volume(boolean backup, VolumeState state) {
        return new Volume(
                new VolumeId("vol_0123456789abcdef"),
                "app",
                "data",
                "local",
                10,
                false,
                state,
                Optional.empty(),
                Optional.empty(),
                backup,
                5,
                Optional.empty(),
                T0,
                T0);
    }

    private static VolumeSnapshot taken(Duration after, int retention) {
        return new VolumeSnapshot(
                new SnapshotId("vs_0123456789abcdef"),
                new VolumeId("vol_0123456789abcdef"),
                "app",
                true,
                0,
                10,
                false,
                Optional.empty(),
                retention,
                true,
                Optional.empty(),
                T0.plus(after));
    }

    @Test
    void dailySnapshot_isDueADayAfterTheLast() {
        Volume v = volume(true, VolumeState.CREATED);
        assertThat(VolumeUpkeep.snapshotDue(v, List.of(), T0.plus(Duration.ofHours(23))))
                .isFalse();
        assertThat(VolumeUpkeep.snapshotDue(v, List.of(), T0.plus(Duration.ofHours(24))))
                .isTrue();
        List<VolumeSnapshot> one = List.of(taken(Duration.ofHours(24), 5));
        assertThat(VolumeUpkeep.snapshotDue(v, one, T0.plus(Duration.ofHours(47))))
                .isFalse();
        assertThat(VolumeUpkeep.snapshotDue(v, one, T0.plus(Duration.ofHours(48))))
                .isTrue();
        assertThat(VolumeUpkeep.snapshotDue(volume(false, VolumeState.CREATED), List.of(), T0.plus(Duration.ofDays(9))))
                .isFalse();
        assertThat(VolumeUpkeep.snapshotDue(
                        volume(true, VolumeState.DESTROYING), List.of(), T0.plus(Duration.ofDays(9))))
                .isFalse();
    }

    @Test
    void snapshot_isOverAfterItsRetention() {
        VolumeSnapshot s = taken(Duration.ZERO, 5);
        assertThat(VolumeUpkeep.over(s, T0.plus(Duration.ofDays(5).minusSeconds(1))))
                .isFalse();
        assertThat(VolumeUpkeep.over(s, T0.plus(Duration.ofDays(5)))).isTrue();
    }

    private static MachineConfig.Mount mount(int threshold, int add, int limit) {
        return new MachineConfig.Mount("vol_0123456789abcdef", "", "/d", 0, false, threshold, add, limit);
    }

    @Test
    void growth_beginsAtTheThresholdAndEndsAtTheLimit() {
        Ext4.Space almost = new Ext4.Space(4096, 1000, 201, 201);
        Ext4.Space full = new Ext4.Space(4096, 1000, 200, 200);
        assertThat(VolumeUpkeep.growth(mount(80, 5, 0), 10, almost)).isEmpty();
        assertThat(VolumeUpkeep.growth(mount(80, 5, 0), 10, full)).hasValue(15);
        assertThat(VolumeUpkeep.growth(mount(80, 5, 12), 10, full)).hasValue(12);
        assertThat(VolumeUpkeep.growth(mount(80, 5, 10), 10, full)).isEmpty();
        assertThat(VolumeUpkeep.growth(mount(0, 0, 0), 10, full)).isEmpty();
        assertThat(VolumeUpkeep.growth(mount(80, 5, 0), 10, new Ext4.Space(4096, 0, 0, 0)))
                .isEmpty();
    }
}
