package org.allod.image;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/**
 * Makes one read-only file system image of a folder. EROFS, uncompressed: the host's kernel, a guest's and gVisor's
 * own reader all mount it, and a page fault costs no decompression. Where the host has no mkfs.erofs it is ext4.
 *
 * <p>The same tree gives the same bytes: a fixed identity out of the image's digest, a fixed time of building.
 */
final class RootImage {
    private static final int MINUTES = 30;

    private RootImage() {}

    /** Makes an image of {@code folder} in {@code into}; {@code latest} is the latest time of anything in it. */
    static Path make(Path folder, Path into, Digest of, long latest) throws IOException, InterruptedException {
        String uuid = uuid(of).toString();
        Path target;
        if (Tool.find("mkfs.erofs").isPresent()) {
            target = into.resolve("root.erofs");
            List<String> command = new ArrayList<>(List.of("mkfs.erofs", "--quiet", "-U" + uuid));
            // Together: each file keeps its own time, and the image as a whole is as old as the youngest of them.
            command.addAll(List.of("-T" + latest, "--preserve-mtime"));
            command.addAll(List.of(target.toString(), folder.getFileName().toString()));
            Tool.run(command, Disk.parent(folder), Map.of(), false, MINUTES, line -> {});
        } else {
            Tool.require("mke2fs", "erofs-utils", "make root file systems");
            target = into.resolve("root.ext4");
            Ext4.make(folder, target, uuid);
        }
        if (!Files.isRegularFile(target) || Files.size(target) == 0) {
            throw new IOException("the tool ended well but made no image");
        }
        return target;
    }

    private static UUID uuid(Digest of) {
        return new UUID(
                Long.parseUnsignedLong(of.hex().substring(0, 16), 16),
                Long.parseUnsignedLong(of.hex().substring(16, 32), 16));
    }
}
