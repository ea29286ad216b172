package org.allod.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.allod.base.FailedException;

/**
 * Preallocates the write-ahead log before the first write. Flushing a file that grows also writes the file system's
 * metadata; flushing one that has its blocks writes only the data (measured: 66 against 213 microseconds). SQLite
 * deletes the log at a clean close, so most opens make a new one. SQLite takes the zeros for the end of the log and
 * overwrites them.
 *
 * <p>What a log holds already is never changed, since it may be the last commits of a process that was killed; space is
 * added behind it. Call it only once the database is in WAL mode, because SQLite deletes the log of an empty database.
 */
final class WalPreallocator {
    private static final int PAGE = 4096;
    private static final int PAGES_AT_ONCE = 256;
    /** The bytes of the log's header, and of the header of each page in it. */
    private static final int HEADERS = 32;

    private WalPreallocator() {}

    static Path log(Path database) {
        return database.resolveSibling(database.getFileName() + "-wal");
    }

    /** The bytes of a log with this many pages. */
    static long bytes(int pages) {
        return (long) pages * (PAGE + HEADERS);
    }

    /**
     * Preallocates the log. If the disk has no space for that the database opens all the same, and SQLite grows the
     * log.
     */
    static void make(Path database, int pages) {
        Path log = log(database);
        long had = 0;
        boolean done = false;
        try (FileChannel channel = FileChannel.open(log, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            had = channel.size();
            extend(channel, had, bytes(pages));
            done = true;
        } catch (IOException e) {
            if (!noSpace(e)) {
                throw new FailedException(
                        "opening " + database + ": giving its log " + log + " space: " + e + "; check the disk", e);
            }
            System.getLogger(WalPreallocator.class.getName())
                    .log(System.Logger.Level.WARNING, "no space could be given to " + log + ": " + e + "; free some");
        } finally {
            if (!done && had == 0) {
                discard(log);
            }
        }
    }

    /** Whether that is why: Java has no class for it. */
    static boolean noSpace(IOException e) {
        String why = String.valueOf(e.getMessage());
        return why.contains("No space left on device") || why.contains("Disk quota exceeded");
    }

    private static void extend(FileChannel channel, long had, long size) throws IOException {
        if (had >= size) {
            return;
        }
        boolean done = false;
        try {
            ByteBuffer zeros = ByteBuffer.allocateDirect(PAGE * PAGES_AT_ONCE);
            for (long at = had; at < size; at += zeros.limit()) {
                zeros.clear().limit((int) Math.min(zeros.capacity(), size - at));
                while (zeros.hasRemaining()) {
                    channel.write(zeros, at + zeros.position());
                }
            }
            channel.force(true);
            done = true;
        } finally {
            if (!done) {
                channel.truncate(had);
            }
        }
    }

    private static void discard(Path log) {
        try {
            Files.deleteIfExists(log);
        } catch (IOException e) {
            // An empty log is equivalent to none.
            System.getLogger(WalPreallocator.class.getName()).log(System.Logger.Level.DEBUG, "deleting " + log, e);
        }
    }
}
