package org.allod.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/**
 * Gives the index of the write-ahead log ({@code -shm}) its space at opening. SQLite grows it in the middle of a commit,
 * after the log has been flushed: on a full disk that fails with an I/O error, and whether the commit is durable is in
 * doubt. With the blocks there already it need not grow. Zeros are what SQLite itself puts there.
 *
 * <p>The channel stays open as long as the database: closing any descriptor of a file drops all the locks that this
 * process has on it, SQLite's among them.
 */
final class WalIndexSpace implements AutoCloseable {
    /** One block of the index is for 4,096 pages of the log or a few less. */
    private static final int BLOCK = 32 << 10;

    private static final int PAGES = 4096;

    private @Nullable FileChannel channel;

    /** For a log that outgrows its bound by half, as one does whose batch or reader was long. */
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
            // It grows when it must, as it would have without us.
            System.getLogger(WalIndexSpace.class.getName())
                    .log(System.Logger.Level.WARNING, "no space could be given to " + file + ": " + e);
        }
        return space;
    }

    /** After the last connection. */
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
