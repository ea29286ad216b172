package org.allod.machine;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * A volume as it was at one moment. It outlives its volume, until its time is over.
 *
 * @param ready whether it is whole; until then a run is making it
 * @param bytes what it takes on disk, shared blocks counted
 * @param volumeGb the volume's size then
 * @param encrypted as the volume
 * @param writer as the volume's
 * @param retention days until it is removed
 * @param scheduled whether nobody asked for it but the daily schedule
 * @param copy how it was made; empty until it is
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
