package org.allod.state;

import java.time.Duration;

/**
 * The times and bounds of broadcast.
 *
 * @param fanOut to how many hosts of its region a host passes a change set on
 * @param announceEvery how often hosts tell some others what they have, so that what was lost is found
 * @param announceTo to how many hosts of the own region; one more is chosen anywhere
 * @param announcements how often each change set is announced
 * @param wantAfter how long after an announcement a change set may still come by itself
 * @param standbyFor how long a region's second root waits to hear from the first
 * @param kept change sets kept for those that want them
 * @param keptBytes and how many bytes of them
 */
public record BroadcastOptions(
        int fanOut,
        Duration announceEvery,
        int announceTo,
        int announcements,
        Duration wantAfter,
        Duration standbyFor,
        int kept,
        long keptBytes) {
    public static BroadcastOptions defaults() {
        return new BroadcastOptions(
                12, Duration.ofMillis(50), 2, 4, Duration.ofMillis(20), Duration.ofMillis(30), 20_000, 32L << 20);
    }
}
