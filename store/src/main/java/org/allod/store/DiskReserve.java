package org.allod.store;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Space that a database keeps for when the disk is full: a file of zeros beside it, {@code NAME.reserve}. It has two
 * uses. If an open finds no write-ahead log, the reserve is renamed to be the log, so that nothing else can take the
 * space in between. And a write that fails on a full disk deletes the reserve and is tried again ({@link
 * GroupCommitWriter}), because the operations that free space (a stop, a destroy) need only a few writes. Once the disk
 * has space again, {@link #refill} makes the reserve again.
 */
final class DiskReserve {
    private static final System.Logger LOG = System.getLogger(DiskReserve.class.getName());

    /** Bytes besides the log: for its index, and for what else a start of the daemon writes. */
    private static final long SPARE = 4L << 20;

    private static final int PIECE = 1 << 20;

    /** The reserve is made only if this many times its size is free, so that making it does no harm. */
    private static final int ROOM = 4;

    private final Path database;
    private final Path file;
    private final Path half;
    private final long log;
    private final AtomicLong given = new AtomicLong();

    DiskReserve(Path database, DatabaseOptions options) {
        this.database = database;
        this.file = database.resolveSibling(database.getFileName() + ".reserve");
        this.half = file.resolveSibling(file.getFileName() + ".half");
        this.log = WalPreallocator.bytes(options.checkpointPages());
    }

    private long bytes() {
        return log + SPARE;
    }

    /**
     * Called before the database is opened: uses the reserve as the log if there is none, or frees it on a full disk.
     */
    void open() {
        try {
            Files.deleteIfExists(half);
            Path wal = WalPreallocator.log(database);
            if (held() && Files.exists(database) && !Files.exists(wal)) {
                try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                    channel.truncate(log);
                }
                Files.move(file, wal, StandardCopyOption.ATOMIC_MOVE);
            } else if (free() < bytes()) {
                boolean _ = giveUp();
            }
        } catch (IOException e) {
            // If something is wrong with the folder, opening the database fails with the reason.
            LOG.log(System.Logger.Level.WARNING, "the reserve " + file + " is of no use: " + e);
        }
    }

    boolean held() {
        return Files.exists(file);
    }

    /** How often it has been given up since the database was opened. */
    long givenUp() {
        return given.get();
    }

    /** Deletes it; false if there was none. */
    boolean giveUp() {
        try {
            if (!Files.deleteIfExists(file)) {
                return false;
            }
            given.incrementAndGet();
            LOG.log(
                    System.Logger.Level.WARNING,
                    "the disk of {0} is full: its reserve of {1} MiB is given up, so that stopping and destroying machines works",
                    database,
                    bytes() >> 20);
            return true;
        } catch (IOException e) {
            LOG.log(System.Logger.Level.WARNING, "the reserve " + file + " could not be given up", e);
            return false;
        }
    }

    /** Makes it if it is missing and there is space; returns whether it exists. */
    boolean refill() {
        try {
            if (!held() && free() >= ROOM * bytes()) {
                make();
            }
            return held();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot make the reserve " + file + ": " + e.getMessage(), e);
        }
    }

    private void make() throws IOException {
        boolean done = false;
        try (FileChannel channel = FileChannel.open(
                half, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
            // Write the zeros instead of only allocating: a log with unwritten blocks is slower to flush.
            ByteBuffer zeros = ByteBuffer.allocateDirect(PIECE);
            for (long left = bytes(); left > 0; left -= PIECE) {
                zeros.clear().limit((int) Math.min(PIECE, left));
                while (zeros.hasRemaining()) {
                    channel.write(zeros);
                }
            }
            channel.force(true);
            done = true;
        } finally {
            if (!done) {
                Files.deleteIfExists(half);
            }
        }
        Files.move(half, file, StandardCopyOption.ATOMIC_MOVE);
    }

    private long free() throws IOException {
        return Files.getFileStore(
                        Objects.requireNonNull(database.toAbsolutePath().getParent()))
                .getUsableSpace();
    }
}
