package org.allod.image;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.Map;

/** The fallback file system: without a journal, because nothing writes to it, and shrunk to its content. */
final class Ext4ImageBuilder {
    private static final int MINUTES = 30;
    private static final int BLOCK = 4096;

    private Ext4ImageBuilder() {}

    static void make(Path folder, Path target, String uuid) throws IOException, InterruptedException {
        Size size = Size.of(folder);
        // A quarter more than the content and 32 MiB for the tables; resize2fs removes the excess.
        long bytes = (size.bytes * 5 / 4 / BLOCK + 8192) * BLOCK;
        long inodes = size.names + 64;
        try (RandomAccessFile file = new RandomAccessFile(target.toFile(), "rw")) {
            file.setLength(bytes);
        }
        Map<String, String> env = Map.of("E2FSPROGS_FAKE_TIME", "1");
        ToolRunner.run(
                List.of(
                        "mke2fs",
                        "-q",
                        "-t",
                        "ext4",
                        "-O",
                        "^has_journal",
                        "-m",
                        "0",
                        "-b",
                        "" + BLOCK,
                        "-N",
                        "" + inodes,
                        "-U",
                        uuid,
                        "-E",
                        "hash_seed=" + uuid + ",root_owner=0:0",
                        "-d",
                        folder.getFileName().toString(),
                        target.toString()),
                StagingFiles.parent(folder),
                env,
                false,
                MINUTES,
                line -> {});
        ToolRunner.run(
                List.of("resize2fs", "-M", target.toString()),
                StagingFiles.parent(folder),
                env,
                false,
                MINUTES,
                line -> {});
    }

    private static final class Size {
        long bytes;
        long names;

        static Size of(Path folder) throws IOException {
            Size size = new Size();
            Files.walkFileTree(folder, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult preVisitDirectory(Path path, BasicFileAttributes attributes) {
                    return visitFile(path, attributes);
                }

                @Override
                public FileVisitResult visitFile(Path path, BasicFileAttributes attributes) {
                    size.names++;
                    size.bytes += (attributes.size() + BLOCK - 1) / BLOCK * BLOCK;
                    return FileVisitResult.CONTINUE;
                }
            });
            return size;
        }
    }
}
