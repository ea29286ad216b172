package org.allod.image;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import org.allod.base.RejectedException;

/**
 * Watches the disk while an image is written to it. Looked at again and again, since others write too: what was free
 * when an image began says nothing about two that are unpacked side by side. Where nobody waits for the image any more
 * (the thread is interrupted) the work ends here as well. Safe from any thread.
 */
final class SpaceGuard {
    /** Bytes between two looks: some thousandths of a second of writing. */
    private static final long LOOK = 8L << 20;

    /** A tenth of the disk, but at most this, stays free for all else that the host writes. */
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

    /** For the operator, who may fill the disk: a full one is an error of its own. */
    static SpaceGuard unbounded() {
        return new SpaceGuard(() -> Long.MAX_VALUE, 0);
    }

    /** For an app's token: what it has unpacked must leave a reserve. */
    static SpaceGuard reserving(Path folder) throws IOException {
        FileStore store = Files.getFileStore(folder);
        return new SpaceGuard(store::getUsableSpace, Math.min(RESERVE, store.getTotalSpace() / SHARE));
    }

    /** So many more bytes have been written. */
    void wrote(long bytes) throws IOException {
        if (written.addAndGet(bytes) >= next.get()) {
            next.set(written.get() + LOOK);
            needs(0);
        }
        goOn();
    }

    /** So many are about to be. */
    void needs(long bytes) throws IOException {
        if (free.bytes() - bytes < reserve) {
            throw RejectedException.because(
                    RejectedException.Reason.CAPACITY,
                    "this host has no room for the image: %d MiB of it were written when only the reserve of its disk was left"
                            .formatted(written.get() >> 20),
                    "make the image smaller, or have the operator make room (`allod image collect`)");
        }
    }

    /** Ends the work of a thread that was interrupted. */
    static void goOn() throws InterruptedIOException {
        if (Thread.currentThread().isInterrupted()) {
            throw new InterruptedIOException("nobody waits for the image any more");
        }
    }
}
