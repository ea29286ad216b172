package org.allod.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.allod.base.FailedException;

/**
 * Writes the log that an earlier process left once more and flushes it, before anything is written behind it. That process
 * may have ended because a flush failed. The kernel then takes the pages it could not write for written: they are read as
 * if they were there, and the next flush succeeds without them. New commits would stand behind a hole, and after a power
 * cut SQLite would find the end of the log at the hole: acknowledged changes would be lost. Written again, they are flushed
 * again ("Can Applications Recover from fsync Failures?", Rebello et al., 2020).
 *
 * <p>The bytes stay the same, so a cut in the middle leaves what was there or what should be. The caller holds SQLite's lock
 * on writing, so nobody appends meanwhile. Space that was never used is passed over.
 */
final class WalRewriter {
    private static final int PIECE = 256 << 10;
    private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect(PIECE).asReadOnlyBuffer();

    private WalRewriter() {}

    /** Rewrites the log of a database; up to some 16 MB, after a process that was killed. */
    static void rewrite(Path database) {
        Path log = WalPreallocator.log(database);
        try (FileChannel channel = FileChannel.open(log, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            ByteBuffer piece = ByteBuffer.allocateDirect(PIECE);
            for (long at = 0; read(channel, piece, at) > 0; at += PIECE) {
                if (!piece.equals(ZEROS.slice(0, piece.limit()))) {
                    write(channel, piece, at);
                }
            }
            channel.force(true);
        } catch (IOException e) {
            if (!WalPreallocator.noSpace(e)) {
                throw new FailedException(
                        "opening " + database + ": writing its log " + log + " again: " + e + "; check the disk", e);
            }
            // A file system that copies on write, and is full: the log is as it was.
            System.getLogger(WalRewriter.class.getName())
                    .log(System.Logger.Level.WARNING, "the log " + log + " could not be written again: " + e);
        }
    }

    /** Fills the buffer, as far as there is something; how much that was. */
    private static int read(FileChannel channel, ByteBuffer piece, long at) throws IOException {
        piece.clear();
        while (piece.hasRemaining()) {
            if (channel.read(piece, at + piece.position()) < 0) {
                break;
            }
        }
        piece.flip();
        return piece.limit();
    }

    private static void write(FileChannel channel, ByteBuffer piece, long at) throws IOException {
        while (piece.hasRemaining()) {
            channel.write(piece, at + piece.position());
        }
    }
}
