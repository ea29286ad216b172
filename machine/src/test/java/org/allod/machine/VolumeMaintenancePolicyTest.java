package org.allod.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.allod.linux.Ext4;
import org.junit.jupiter.api.Test;

class VolumeMaintenancePolicyTest {
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
        assertThat(VolumeMaintenancePolicy.snapshotDue(v, List.of(), T0.plus(Duration.ofHours(23))))
                .isFalse();
        assertThat(VolumeMaintenancePolicy.snapshotDue(v, List.of(), T0.plus(Duration.ofHours(24))))
                .isTrue();
        List<VolumeSnapshot> one = List.of(taken(Duration.ofHours(24), 5));
        assertThat(VolumeMaintenancePolicy.snapshotDue(v, one, T0.plus(Duration.ofHours(47))))
                .isFalse();
        assertThat(VolumeMaintenancePolicy.snapshotDue(v, one, T0.plus(Duration.ofHours(48))))
                .isTrue();
        assertThat(VolumeMaintenancePolicy.snapshotDue(
                        volume(false, VolumeState.CREATED), List.of(), T0.plus(Duration.ofDays(9))))
                .isFalse();
        assertThat(VolumeMaintenancePolicy.snapshotDue(
                        volume(true, VolumeState.DESTROYING), List.of(), T0.plus(Duration.ofDays(9))))
                .isFalse();
    }

    private static VolumeSnapshot taken(String id, Duration after, int retention) {
        VolumeSnapshot s = taken(after, retention);
        return new VolumeSnapshot(
                new SnapshotId(id),
                s.volume(),
                s.app(),
                s.ready(),
                s.bytes(),
                s.volumeGb(),
                s.encrypted(),
                s.writer(),
                s.retention(),
                s.scheduled(),
                s.copy(),
                s.created());
    }

    private static List<VolumeSnapshot> over(List<VolumeSnapshot> all, boolean lives, Duration at) {
        return VolumeMaintenancePolicy.over(all, id -> lives, T0.plus(at));
    }

    @Test
    void snapshot_isOverAfterItsRetention() {
        VolumeSnapshot old = taken("vs_0000000000000001", Duration.ZERO, 5);
        VolumeSnapshot last = taken("vs_0000000000000000", Duration.ofDays(1), 5);
        List<VolumeSnapshot> both = List.of(old, last);
        assertThat(over(both, true, Duration.ofDays(5).minusSeconds(1))).isEmpty();
        assertThat(over(both, true, Duration.ofDays(5))).containsExactly(old);
    }

    @Test
    void newestSnapshot_staysWhileItsVolumeLives_howeverOldItIs() {
        VolumeSnapshot old = taken("vs_0000000000000001", Duration.ZERO, 5);
        VolumeSnapshot last = taken("vs_0000000000000000", Duration.ofDays(1), 5);
        List<VolumeSnapshot> both = List.of(old, last);
        assertThat(over(both, true, Duration.ofDays(4_000))).containsExactly(old);
        assertThat(over(both, false, Duration.ofDays(4_000))).containsExactly(old, last);
        // One from a time that has not come says nothing of which was taken last.
        VolumeSnapshot ahead = taken("vs_0000000000000002", Duration.ofDays(9_000), 5);
        assertThat(over(List.of(old, last, ahead), true, Duration.ofDays(4_000)))
                .containsExactly(old);
    }

    @Test
    void dailySnapshot_afterTheCalendarWasAhead_isDueAllTheSame() {
        Volume v = volume(true, VolumeState.CREATED);
        List<VolumeSnapshot> ahead = List.of(taken(Duration.ofHours(1), 5), taken(Duration.ofDays(400), 5));
        assertThat(VolumeMaintenancePolicy.snapshotDue(v, ahead, T0.plus(Duration.ofHours(24))))
                .isFalse();
        assertThat(VolumeMaintenancePolicy.snapshotDue(v, ahead, T0.plus(Duration.ofHours(25))))
                .isTrue();
    }

    private static MachineConfig.Mount mount(int threshold, int add, int limit) {
        return new MachineConfig.Mount("vol_0123456789abcdef", "", "/d", 0, false, threshold, add, limit);
    }

    @Test
    void growth_beginsAtTheThresholdAndEndsAtTheLimit() {
        Ext4.Space almost = new Ext4.Space(4096, 1000, 201, 201);
        Ext4.Space full = new Ext4.Space(4096, 1000, 200, 200);
        assertThat(VolumeMaintenancePolicy.growth(mount(80, 5, 0), 10, almost)).isEmpty();
        assertThat(VolumeMaintenancePolicy.growth(mount(80, 5, 0), 10, full)).hasValue(15);
        assertThat(VolumeMaintenancePolicy.growth(mount(80, 5, 12), 10, full)).hasValue(12);
        assertThat(VolumeMaintenancePolicy.growth(mount(80, 5, 10), 10, full)).isEmpty();
        assertThat(VolumeMaintenancePolicy.growth(mount(0, 0, 0), 10, full)).isEmpty();
        assertThat(VolumeMaintenancePolicy.growth(mount(80, 5, 0), 10, new Ext4.Space(4096, 0, 0, 0)))
                .isEmpty();
    }
}
