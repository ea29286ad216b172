package org.allod.runtime;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.allod.base.FailedException;

/**
 * The volumes of one microVM as QEMU needs them. A key is written to the machine's run folder, which is in memory,
 * readable by QEMU's user only; the helper that opens it for QEMU deletes it at once. It is on no command line, and in
 * no file once QEMU runs.
 */
final class VmVolumes {
    private VmVolumes() {}

    static List<QemuCommandLine.Disk> disks(List<GuestSpec.Volume> volumes, VmPaths folders) {
        try {
            Files.deleteIfExists(folders.volumes());
            List<QemuCommandLine.Disk> disks = new ArrayList<>();
            for (GuestSpec.Volume volume : volumes) {
                if (!Files.exists(volume.image())) {
                    throw new FailedException("volume " + volume.id() + " has lost its disk " + volume.image());
                }
                Path file = folders.key(disks.size());
                if (volume.key().isPresent()) {
                    write(file, volume.key().get(), folders.uid());
                }
                disks.add(new QemuCommandLine.Disk(
                        volume.id(), volume.image(), volume.key().map(_ -> file)));
            }
            if (!volumes.isEmpty()) {
                Files.createFile(folders.volumes());
            }
            return disks;
        } catch (IOException e) {
            throw new FailedException(
                    "cannot hand the volumes of machine " + folders.machine() + " to QEMU: " + e.getMessage(), e);
        }
    }

    /** Deletes the keys: QEMU is not started after all. */
    static void forgetKeys(List<GuestSpec.Volume> volumes, VmPaths folders) {
        for (int i = 0; i < volumes.size(); i++) {
            RuntimeResources.forget(folders.key(i));
        }
    }

    private static void write(Path file, VolumeKey key, int uid) throws IOException {
        Files.deleteIfExists(file);
        Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.setAttribute(file, "unix:uid", uid);
        Files.write(file, key.bytes(), StandardOpenOption.WRITE);
    }
}
