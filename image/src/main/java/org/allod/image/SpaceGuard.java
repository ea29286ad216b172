package org.allod.image;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import org.allod.base.RejectedException;

/**
 * Checks the free disk space while an image is written, repeatedly, because others write too: the free space at the
 * start says nothing about two images that are unpacked concurrently. Also ends the work when nobody waits for the
 * image any more (the thread is interrupted). Safe for any thread.
 */
final class SpaceGuard {
    /** Bytes between two checks: a few milliseconds of writing. */
    private static final long LOOK = 8L << 20;

    /** A tenth of the disk, but at most this, stays free for other writes of the host. */
    private static final long RESERVE = 2L << 30;

    private static final int SHARE = 10;

    interface Free {
        long bytes() throws IOException;
    }

    private final Free free;
    private final long reserve;
    private final AtomicLong written = new AtomicLong();
    private final AtomicLong next = new AtomicLong();

    SpaceGuard(Free free, long reserve) {
        this.free = free;
        this.reserve = reserve;
    }

    /** For the operator, who may fill the disk: a full disk is reported as its own error. */
    static SpaceGuard unbounded() {
        return new SpaceGuard(() -> Long.MAX_VALUE, 0);
    }

    /** For an app's token: unpacking must leave a reserve. */
    static SpaceGuard reserving(Path folder) throws IOException {
        FileStore store = Files.getFileStore(folder);
        return new SpaceGuard(store::getUsableSpace, Math.min(RESERVE, store.getTotalSpace() / SHARE));
    }

    /** Accounts for bytes that were written. */
    void wrote(long bytes) throws IOException {
        if (written.addAndGet(bytes) >= next.get()) {
            next.set(written.get() + LOOK);
            needs(0);
        }
        goOn();
    }

    /** Checks the space for bytes about to be written. */
    void needs(long bytes) throws IOException {
        if (free.bytes() - bytes < reserve) {
            throw RejectedException.because(
                    RejectedException.Reason.CAPACITY,
                    "this host has no room for the image: %d MiB of it were written when only the reserve of its disk was left"
                            .formatted(written.get() >> 20),
                    "make the image smaller, or have the operator make room (`allod image collect`)");
        }
    }

    /** Throws if the thread was interrupted. */
    static void goOn() throws InterruptedIOException {
        if (Thread.currentThread().isInterrupted()) {
            throw new InterruptedIOException("nobody waits for the image any more");
        }
    }
}
