package org.allod.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/**
 * Preallocates the index of the write-ahead log ({@code -shm}) at each open. SQLite grows the index in the middle of a
 * commit, after the log has been flushed. On a full disk that fails with an I/O error, and it is then unknown whether
 * the commit is durable. With the blocks allocated it need not grow; SQLite itself fills them with zeros, too.
 *
 * <p>The channel stays open as long as the database: closing any descriptor of a file drops all POSIX locks that this
 * process has on it, SQLite's among them.
 */
final class WalIndexSpace implements AutoCloseable {
    /** One block of the index serves 4,096 pages of the log, the first one slightly fewer. */
    private static final int BLOCK = 32 << 10;

    private static final int PAGES = 4096;

    private @Nullable FileChannel channel;

    /** Allocates for a log of one and a half times its bound, which a large batch or a long reader can cause. */
    static WalIndexSpace make(Path database, int checkpointPages) {
        WalIndexSpace space = new WalIndexSpace();
        int blocks = 2 + (checkpointPages + checkpointPages / 2) / PAGES;
        Path file = database.resolveSibling(database.getFileName() + "-shm");
        try {
            FileChannel opened = FileChannel.open(file, StandardOpenOption.WRITE);
            space.channel = opened;
            for (long at = opened.size(); at < (long) blocks * BLOCK; at = opened.size()) {
                opened.write(ByteBuffer.allocate((int) Math.min(BLOCK, (long) blocks * BLOCK - at)), at);
            }
        } catch (IOException e) {
            // SQLite then grows it when needed, as it does without this class.
            System.getLogger(WalIndexSpace.class.getName())
                    .log(System.Logger.Level.WARNING, "no space could be given to " + file + ": " + e);
        }
        return space;
    }

    /** Call after the last connection is closed. */
    @Override
    public void close() {
        try {
            if (channel != null) {
                channel.close();
            }
        } catch (IOException e) {
            System.getLogger(WalIndexSpace.class.getName())
                    .log(System.Logger.Level.DEBUG, "closing the index of a log", e);
        }
    }
}
