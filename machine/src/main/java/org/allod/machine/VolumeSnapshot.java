package org.allod.machine;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * A volume as it was at one moment. It outlives its volume until its retention is over.
 *
 * @param ready whether it is complete; until then a run is taking it
 * @param bytes what it takes on disk, shared blocks included
 * @param volumeGb the volume's size at that time, in GiB
 * @param encrypted whether it is encrypted, as its volume is
 * @param writer the volume's {@link Volume#writer} at that time
 * @param retention how many days it is kept
 * @param scheduled whether the daily schedule took it
 * @param copy how it was copied; empty until it is ready
 */
public record VolumeSnapshot(
        SnapshotId id,
        VolumeId volume,
        String app,
        boolean ready,
        long bytes,
        int volumeGb,
        boolean encrypted,
        Optional<String> writer,
        int retention,
        boolean scheduled,
        Optional<Volume.CopyNote> copy,
        Instant created) {

    /** When it is removed. */
    public Instant until() {
        return created.plus(Duration.ofDays(retention));
    }

    VolumeSnapshot made(long size, Volume.CopyNote note, Instant now) {
        return new VolumeSnapshot(
                id, volume, app, true, size, volumeGb, encrypted, writer, retention, scheduled, Optional.of(note), now);
    }
}
