package org.allod.linux;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Objects;

/** Makes files survive a power cut: {@code fsync} of their content and of the folder that names them. */
public final class DurableFiles {
    private DurableFiles() {}

    /** Flushes a file's content, or a folder's entries. */
    public static void sync(Path path) throws IOException {
        boolean folder = Files.isDirectory(path);
        try (FileChannel channel =
                FileChannel.open(path, folder ? StandardOpenOption.READ : StandardOpenOption.WRITE)) {
            channel.force(true);
        }
    }

    /**
     * Replaces {@code to} by {@code from}, which must be flushed; after a crash there is one or the other, complete.
     */
    public static void publish(Path from, Path to) throws IOException {
        Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        sync(parent(to));
    }

    /** The parent folder of {@code path}. */
    public static Path parent(Path path) {
        return Objects.requireNonNull(path.toAbsolutePath().getParent(), "the root folder lies in none");
    }
}
