package org.allod.store;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.allod.base.FailedException;

/**
 * Makes the directory entries that lead to a database durable: that of its file, and that of each folder in its parent.
 * SQLite flushes the folder of its own files. But that folder may be new, and a file system may lose the name of a
 * folder whose parent was not flushed. This happens at each open, since the process that made the folder may have died
 * before it did so; flushing what is unchanged costs little.
 */
final class DirectorySync {
    private DirectorySync() {}

    /** Flushes upwards until the first folder that this process may not write to, where it has made nothing. */
    static void settle(Path file) {
        Path folder = file.toAbsolutePath().getParent();
        while (folder != null && Files.isWritable(folder)) {
            try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
                channel.force(true);
            } catch (IOException e) {
                throw new FailedException(
                        "opening " + file + ": flushing the folder " + folder + ": " + e + "; check the disk", e);
            }
            folder = folder.getParent();
        }
    }
}
