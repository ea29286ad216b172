package org.allod.machine;

import java.time.Instant;
import java.util.Optional;
import org.allod.base.MachineId;

/**
 * One volume's whole record: replaced whole, never changed in part. A disk of an app, in a file of this host, that
 * outlives the machines it is attached to, one at a time.
 *
 * @param sizeGb its size in GiB; it only ever grows
 * @param encrypted whether what is on this host's disk is unreadable without its key; never said of what is not so
 * @param attached the machine it belongs to now, running or not
 * @param writer the runtime whose machines have had it last; {@code microvm} once a virtual machine ever had it, for
 *     then a guest's kernel has written its file system and the host's must not mount it (decision 090)
 * @param autoBackup whether a snapshot of it is taken each day
 * @param retention days that snapshots taken from now on are kept
 * @param copy how it came to its content; empty for one that began empty
 */
public record Volume(
        VolumeId id,
        String app,
        String name,
        String region,
        int sizeGb,
        boolean encrypted,
        VolumeState state,
        Optional<MachineId> attached,
        Optional<String> writer,
        boolean autoBackup,
        int retention,
        Optional<CopyNote> copy,
        Instant created,
        Instant updated) {
    static final long GIB = 1L << 30;

    /**
     * How a copy of a volume was made.
     *
     * @param of the volume or snapshot it was made from
     * @param method {@code reflink}: blocks are shared until one side writes; {@code copy}: read and written
     * @param stillness {@code frozen}: the file system was in order; {@code paused}: as after a power cut; {@code idle}:
     *     nobody had it mounted
     */
    public record CopyNote(String of, String method, String stillness) {}

    public long bytes() {
        return sizeGb * GIB;
    }

    Volume withState(VolumeState next, Instant now) {
        return new Volume(
                id,
                app,
                name,
                region,
                sizeGb,
                encrypted,
                next,
                attached,
                writer,
                autoBackup,
                retention,
                copy,
                created,
                now);
    }

    Volume withAttachment(Optional<MachineId> machine, Optional<String> runtime, Instant now) {
        boolean guestWritten = writer.filter("microvm"::equals).isPresent();
        return new Volume(
                id,
                app,
                name,
                region,
                sizeGb,
                encrypted,
                state,
                machine,
                guestWritten ? writer : runtime.or(() -> writer),
                autoBackup,
                retention,
                copy,
                created,
                now);
    }

    Volume withSize(int gb, Instant now) {
        return new Volume(
                id,
                app,
                name,
                region,
                gb,
                encrypted,
                state,
                attached,
                writer,
                autoBackup,
                retention,
                copy,
                created,
                now);
    }

    Volume withRetention(boolean backup, int days, Instant now) {
        return new Volume(
                id, app, name, region, sizeGb, encrypted, state, attached, writer, backup, days, copy, created, now);
    }

    Volume withCopy(CopyNote note, Instant now) {
        return new Volume(
                id,
                app,
                name,
                region,
                sizeGb,
                encrypted,
                state,
                attached,
                writer,
                autoBackup,
                retention,
                Optional.of(note),
                created,
                now);
    }
}
