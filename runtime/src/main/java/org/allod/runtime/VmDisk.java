package org.allod.runtime;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.allod.base.Failed;
import org.allod.linux.Command;

/**
 * The writable layers of microVMs: sparse files with an empty ext4 inside, copied from a template of the same size
 * (which the host's file system may share with the copies). One that never outlives its guest's boot has no journal.
 */
final class VmDisk {
    private VmDisk() {}

    /** Puts an empty layer at {@code disk}, in place of what was there. */
    static void begin(Path templates, int megabytes, boolean kept, Path disk) {
        try {
            Path template = templates.resolve((kept ? "kept-" : "disk-") + megabytes + ".img");
            if (!Files.exists(template)) {
                Files.createDirectories(templates);
                Path half = Files.createTempFile(templates, "disk-", ".new");
                var _ = Command.of("truncate", "--size=" + megabytes + "M", half.toString())
                        .output();
                var _ = Command.of(
                                "mkfs.ext4",
                                "-q",
                                "-F",
                                "-m",
                                "0",
                                "-O",
                                (kept ? "" : "^") + "has_journal",
                                half.toString())
                        .output();
                Files.move(half, template, StandardCopyOption.ATOMIC_MOVE);
            }
            Path half = disk.resolveSibling(disk.getFileName() + ".new");
            Files.deleteIfExists(half);
            var _ = Command.of("cp", "--sparse=always", "--reflink=auto", template.toString(), half.toString())
                    .output();
            Files.move(half, disk, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new Failed("cannot make the disk " + disk + ": " + e.getMessage(), e);
        }
    }
}
