package org.allod.machine;

import java.time.Instant;
import java.util.Optional;
import org.allod.base.MachineId;

/**
 * The complete record of one volume: a disk of an app, kept in a file of this host, that outlives the machines it is
 * attached to, one at a time. Immutable: a change writes a new record.
 *
 * @param sizeGb its size in GiB; it only grows
 * @param encrypted whether its bytes on this host's disk are unreadable without its key
 * @param attached the machine that it is attached to, running or not
 * @param writer the runtime of the machines that had it. Once it is {@code microvm} it stays so: a guest's kernel has
 *     then written the file system, and the host's kernel must not mount it (decision 090)
 * @param autoBackup whether a snapshot of it is taken each day
 * @param retention how many days snapshots taken from now on are kept
 * @param copy how its content was copied; empty for a volume that began empty
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
     * @param of the volume or snapshot that was copied
     * @param method {@code reflink}: blocks are shared until one side writes; {@code copy}: all bytes were copied
     * @param stillness the state of the source: {@code frozen}: its file system was consistent; {@code paused}: as
     *     after a power cut; {@code idle}: it was not mounted
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
