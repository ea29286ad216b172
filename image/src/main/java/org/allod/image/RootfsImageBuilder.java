package org.allod.image;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/**
 * Builds one read-only file system image from a folder. EROFS, uncompressed: the host's kernel, a guest's kernel and
 * gVisor's own reader all mount it, and a page fault needs no decompression. Without mkfs.erofs on the host it is ext4.
 *
 * <p>Its UUID is derived from the image's digest. Only the build time in its superblock differs between hosts:
 * mkfs.erofs 1.5 can fix that only by giving it to every file.
 */
final class RootfsImageBuilder {
    private static final int MINUTES = 30;

    private RootfsImageBuilder() {}

    /** Builds an image of {@code folder} in {@code into}. */
    static Path make(Path folder, Path into, Digest of) throws IOException, InterruptedException {
        String uuid = uuid(of).toString();
        Path target;
        if (ToolRunner.find("mkfs.erofs").isPresent()) {
            target = into.resolve("root.erofs");
            List<String> command = new ArrayList<>(List.of("mkfs.erofs", "--quiet", "--preserve-mtime", "-U" + uuid));
            command.addAll(List.of(target.toString(), folder.getFileName().toString()));
            ToolRunner.run(command, StagingFiles.parent(folder), Map.of(), false, MINUTES, line -> {});
        } else {
            ToolRunner.require("mke2fs", "erofs-utils", "make root file systems");
            target = into.resolve("root.ext4");
            Ext4ImageBuilder.make(folder, target, uuid);
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
