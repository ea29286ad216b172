package org.allod.store;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.allod.base.FailedException;

/**
 * Preallocates the index of the write-ahead log ({@code -shm}) at each open. SQLite grows the index in the middle of a
 * commit, after the log has been flushed. On a full disk that fails with an I/O error, and it is then unknown whether
 * the commit is durable. With the blocks allocated it need not grow; SQLite itself fills them with zeros, too.
 *
 * <p>It also reads from the index how long the log is, for {@link WalCheckpointer}.
 *
 * <p>The channel stays open as long as the database: closing any descriptor of a file drops all POSIX locks that this
 * process has on it, SQLite's among them.
 */
final class WalIndexSpace implements AutoCloseable {
    /** One block of the index serves 4,096 pages of the log, the first one slightly fewer. */
    private static final int BLOCK = 32 << 10;

    private static final int PAGES = 4096;

    /** What SQLite documents of the index's head ("WAL-mode File Format", 2.1): how many frames of the log are valid. */
    private static final int FRAMES_AT = 16;

    private static final int HEAD = 136;

    private final FileChannel channel;
    /** Mapped: a read through the channel could be interrupted, which closes it, and with it goes SQLite's lock. */
    private final MemorySegment head;

    private final Arena mapping;

    private WalIndexSpace(FileChannel channel, Arena mapping, MemorySegment head) {
        this.channel = channel;
        this.mapping = mapping;
        this.head = head;
    }

    /** Allocates for a log of one and a half times its bound, which a large batch or a long reader can cause. */
    static WalIndexSpace make(Path database, int checkpointPages) {
        int blocks = 2 + (checkpointPages + checkpointPages / 2) / PAGES;
        Path file = database.resolveSibling(database.getFileName() + "-shm");
        WalIndexSpace space = open(database, file);
        try {
            FileChannel opened = space.channel;
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

    private static WalIndexSpace open(Path database, Path file) {
        try {
            FileChannel opened = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
            Arena mapping = Arena.ofShared();
            return new WalIndexSpace(opened, mapping, opened.map(FileChannel.MapMode.READ_ONLY, 0, HEAD, mapping));
        } catch (IOException e) {
            throw new FailedException(
                    "opening " + database + ": reading the index of its log " + file + ": " + e
                            + "; check the disk, and how many files may be open",
                    e);
        }
    }

    /** How many frames the log has, of one page each. For whoever has the writer's turn: nobody else changes it. */
    int frames() {
        return head.get(ValueLayout.JAVA_INT, FRAMES_AT);
    }

    /** Call after the last connection is closed. */
    @Override
    public void close() {
        if (mapping.scope().isAlive()) { // closing twice is no error
            mapping.close();
        }
        try {
            channel.close();
        } catch (IOException e) {
            System.getLogger(WalIndexSpace.class.getName())
                    .log(System.Logger.Level.DEBUG, "closing the index of a log", e);
        }
    }
}
