package org.allod.store;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.allod.base.FailedException;

/**
 * Makes durable that a database can be found: the entry of its file in the folder, and of each folder in the one above.
 * SQLite flushes the folder of its own files; but the folder may have been made a moment ago, and a file system need not
 * keep the name of a folder that was not flushed, whatever was flushed in it. A few flushes of what is mostly unchanged,
 * at each opening: the process that made the folder may have died before it came to this.
 */
final class DirectorySync {
    private DirectorySync() {}

    /** Up to the first folder that we may not write to, in which we have therefore made nothing. */
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
