package org.allod.image;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;
import org.allod.base.FailedException;
import org.jspecify.annotations.Nullable;

/** Disk operations of this room: durable publishing, removal of whole folders, and errors that say what to do. */
final class StagingFiles {
    /** The text of ENOSPC in both the C library and the JDK; Java has no type for it. */
    static final String FULL = "No space left on device";

    private StagingFiles() {}

    /** Makes a file's content, or a folder's list of names, survive a power cut. */
    static void sync(Path path) throws IOException {
        boolean folder = Files.isDirectory(path);
        try (FileChannel channel =
                FileChannel.open(path, folder ? StandardOpenOption.READ : StandardOpenOption.WRITE)) {
            channel.force(true);
        }
    }

    /** Replaces {@code to} with {@code from}, which is already synced: after a crash one of them is complete. */
    static void publish(Path from, Path to) throws IOException {
        Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
        sync(parent(to));
    }

    /** The parent folder of {@code path}. */
    static Path parent(Path path) {
        return Objects.requireNonNull(path.toAbsolutePath().getParent(), "the root folder lies in none");
    }

    /** Removes the content of a folder, which stays. */
    static void empty(Path folder) throws IOException {
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
            for (Path entry : entries) {
                long _ = remove(entry);
            }
        }
    }

    /** Removes the path, following no link; does nothing if it does not exist. Returns the bytes of its files. */
    static long remove(Path path) throws IOException {
        long[] bytes = {0};
        try {
            Files.walkFileTree(path, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                    Files.deleteIfExists(file);
                    bytes[0] += attributes.size();
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult postVisitDirectory(Path folder, @Nullable IOException e) throws IOException {
                    if (e != null) {
                        throw e;
                    }
                    Files.deleteIfExists(folder);
                    return FileVisitResult.CONTINUE;
                }
            });
        } catch (NoSuchFileException e) {
            return bytes[0];
        }
        return bytes[0];
    }

    /** Describes an I/O failure: what was attempted, why it failed, and for a full disk the remedy. */
    static FailedException failed(String attempt, IOException e) {
        String why = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
        if (why.contains(FULL) || why.contains("Disk quota exceeded")) {
            return new FailedException(
                    attempt
                            + ": the disk is full; free some of it, or remove images (allod image remove), and try again",
                    e);
        }
        return new FailedException(attempt + ": " + why, e);
    }
}
