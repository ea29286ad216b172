package org.allod.linux;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.RandomAccessFile;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.LongConsumer;
import org.allod.base.FailedException;
import org.jspecify.annotations.Nullable;

/**
 * Copies a large file as cheaply as the file system can. If it can share blocks between files (XFS, btrfs), one call
 * makes the copy without taking space ({@code FICLONE}, ioctl_ficlone(2)). Otherwise the data is copied and holes are
 * left out. Interrupting the calling thread ends a copy and removes what was copied.
 *
 * <p>A platform thread does the work, because the calls pin their carrier.
 */
public final class FileCopy {
    /** How a copy was made. */
    public enum Method {
        /** Blocks are shared until one side writes. */
        REFLINK,
        /** Read and written. */
        COPY
    }

    private static final long PIECE = 16 << 20;
    private static final String FULL = "No space left on device";

    private FileCopy() {}

    /**
     * Replaces {@code to} by a copy of {@code from}, atomically and durably.
     *
     * @param copied called with the number of bytes copied so far, after each piece
     */
    public static Method copy(Path from, Path to, LongConsumer copied) throws InterruptedException {
        Path half = to.resolveSibling(to.getFileName() + ".half");
        CompletableFuture<Method> done = new CompletableFuture<>();
        Thread worker = Thread.ofPlatform().name("copy-" + to.getFileName()).start(() -> {
            try {
                Files.deleteIfExists(half);
                Method method = make(from, half, copied);
                DurableFiles.publish(half, to);
                done.complete(method);
            } catch (IOException | RuntimeException | Error e) {
                discard(half);
                done.completeExceptionally(e);
            }
        });
        try {
            return done.get();
        } catch (InterruptedException e) {
            worker.interrupt();
            worker.join();
            discard(to);
            throw e;
        } catch (ExecutionException e) {
            throw failed(from, to, e.getCause());
        }
    }

    /** Bytes that a file takes on its disk, without holes and with shared blocks; 0 if it does not exist. */
    public static long allocated(Path file) {
        // O_PATH does not open the file itself: closing an opened one would drop every POSIX lock that this process has
        // on it, SQLite's and the daemon's among them; and opening a pipe or a terminal could block.
        int fd = Libc.open(file.toString(), Libc.O_PATH);
        if (fd < 0) {
            return 0;
        }
        try {
            return Math.max(0, Libc.blocks(fd)) * 512;
        } finally {
            var _ = Libc.close(fd);
        }
    }

    /** Whether files in this folder can share blocks. */
    public static boolean shares(Path folder) {
        Path one = folder.resolve("shares.one");
        Path two = folder.resolve("shares.two");
        try {
            Files.write(one, new byte[4096]);
            Files.write(two, new byte[0]);
            int source = checked("open " + one, Libc.open(one.toString(), Libc.O_RDONLY));
            int target = Libc.open(two.toString(), Libc.O_WRONLY);
            try {
                return target >= 0 && Libc.ioctl(target, Libc.FICLONE, source) >= 0;
            } finally {
                var _ = Libc.close(source);
                var _ = target < 0 ? 0 : Libc.close(target);
            }
        } catch (IOException e) {
            throw new FailedException("cannot try whether files share blocks in " + folder + ": " + e.getMessage(), e);
        } finally {
            discard(one);
            discard(two);
        }
    }

    private static Method make(Path from, Path half, LongConsumer copied) throws IOException {
        try (FileChannel in = FileChannel.open(from, StandardOpenOption.READ);
                RandomAccessFile file = new RandomAccessFile(half.toFile(), "rw");
                FileChannel out = file.getChannel()) {
            int source = checked("open " + from, Libc.open(from.toString(), Libc.O_RDONLY));
            int target = Libc.open(half.toString(), Libc.O_WRONLY);
            try {
                Method method = Method.REFLINK;
                if (Libc.ioctl(checked("open " + half, target), Libc.FICLONE, source) < 0) {
                    method = Method.COPY;
                    file.setLength(in.size());
                    pieces(in, source, out, copied);
                }
                out.force(true);
                return method;
            } finally {
                var _ = Libc.close(source);
                var _ = target < 0 ? 0 : Libc.close(target);
            }
        }
    }

    /** Copies what is not a hole. */
    private static void pieces(FileChannel in, int source, FileChannel out, LongConsumer copied) throws IOException {
        long size = in.size();
        long total = 0;
        for (long at = next(source, 0, Libc.SEEK_DATA, size); at < size; at = next(source, at, Libc.SEEK_DATA, size)) {
            long hole = next(source, at, Libc.SEEK_HOLE, size);
            while (at < hole) {
                out.position(at);
                long moved = in.transferTo(at, Math.min(PIECE, hole - at), out);
                if (moved <= 0) {
                    throw new IOException("it became shorter while it was read");
                }
                at += moved;
                total += moved;
                copied.accept(total);
            }
        }
    }

    private static long next(int fd, long at, int whence, long size) {
        long found = Libc.lseek(fd, at, whence);
        return found < 0 ? size : Math.min(found, size);
    }

    private static int checked(String what, int result) throws IOException {
        if (result < 0) {
            throw new IOException("cannot " + what + ": error " + -result);
        }
        return result;
    }

    private static void discard(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new FailedException("cannot delete what was begun, " + file + ": " + e.getMessage(), e);
        }
    }

    private static RuntimeException failed(Path from, Path to, @Nullable Throwable why) throws InterruptedException {
        if (why instanceof ClosedByInterruptException || why instanceof InterruptedIOException) {
            throw new InterruptedException("copying " + from + " was cut short");
        }
        String text = why == null ? "no reason given" : String.valueOf(why.getMessage());
        return new FailedException(
                text.contains(FULL)
                        ? "cannot copy " + from + " to " + to + ": the disk is full; free some of it and try again"
                        : "cannot copy " + from + " to " + to + ": " + text,
                why);
    }
}
