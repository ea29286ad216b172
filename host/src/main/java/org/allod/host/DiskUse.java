package org.allod.host;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Map;
import java.util.TreeMap;
import org.allod.base.FailedException;
import org.allod.linux.FileCopy;

/**
 * Disk use by category: the blocks of the files in the data folder. Walks the whole folder, so it runs periodically on
 * another thread. The writable layer of a sandbox is an unnamed file; {@code machines} of a {@link
 * org.allod.machine.DiskUsageReport} counts it.
 */
final class DiskUse {
    /**
     * Maximum files: a host may have a hundred thousand machines; beyond this the walk ends and the rest is not
     * counted.
     */
    private static final int MOST = 500_000;

    private DiskUse() {}

    static Map<String, Long> of(Path data) {
        Map<String, Long> bytes = new TreeMap<>();
        int[] files = {0};
        try {
            Files.walkFileTree(data, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                    if (attributes.isRegularFile()) {
                        bytes.merge(kind(data.relativize(file)), FileCopy.allocated(file), Long::sum);
                    }
                    return ++files[0] < MOST ? FileVisitResult.CONTINUE : FileVisitResult.TERMINATE;
                }

                @Override
                public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
                    // Mount points in it belong to other file systems: machines' roots, volumes.
                    boolean other =
                            folder.endsWith("mnt") || data.relativize(folder).startsWith("roots");
                    return other ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult visitFileFailed(Path file, IOException e) {
                    return FileVisitResult.CONTINUE; // deleted meanwhile
                }
            });
        } catch (IOException e) {
            throw new FailedException("cannot look through " + data + ": " + e.getMessage(), e);
        }
        return bytes;
    }

    /** The category of a file in the data folder, by its path. */
    static String kind(Path file) {
        String top = file.getName(0).toString();
        String name = String.valueOf(file.getFileName());
        return switch (top) {
            case "images", "volumes", "snapshots", "tools" -> top;
            case "machines" ->
                name.startsWith("console.log")
                        ? "logs"
                        : file.toString().matches(".*/(saved|saving|resuming)(/.*)?") ? "saved_memory" : "layers";
            case "microvm" -> "layers";
            default -> top.startsWith("host.db") ? "database" : "other";
        };
    }
}
