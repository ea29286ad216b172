package org.allod.linux;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.allod.base.FailedException;

/**
 * Captures what a process writes into a pipe, up to a bound. It reads as data arrives, so that the process never
 * blocks. One thread reads all pipes. A platform thread for each pipe would be one for each guest, which inherits the
 * output of runsc; and a virtual thread pins its carrier while it reads a pipe, so that with a few of them nothing else
 * in the daemon ran (docs/decisions/024).
 */
final class PipeCapture implements AutoCloseable {
    /** Initialized when the first pipe is made. */
    private static final class Reading {
        static final Epoll EPOLL = new Epoll("process-output");

        /** Owned by that thread. */
        static final MemorySegment BUFFER = Arena.global().allocate(1 << 16);
    }

    private final int most;
    private final boolean end;
    private final int writer;
    private final long key;
    private final ByteArrayOutputStream kept = new ByteArrayOutputStream();
    private final CountDownLatch over = new CountDownLatch(1);
    private boolean closed;

    private PipeCapture(int most, boolean end) {
        this.most = most;
        this.end = end;
        LibcPipes.Ends ends = LibcPipes.pipe();
        if (ends.result() < 0) {
            throw new FailedException("cannot make a pipe to hear a process by: " + Libc.error(-ends.result()));
        }
        writer = ends.writer();
        key = Reading.EPOLL.add(ends.reader(), _ -> read(ends.reader()));
    }

    /** Keeps the first {@code most} bytes. */
    static PipeCapture first(int most) {
        return new PipeCapture(most, false);
    }

    /** Keeps the last {@code most} bytes. */
    static PipeCapture last(int most) {
        return new PipeCapture(most, true);
    }

    /** The output to start a process with; valid until {@link #onProcessStarted}. */
    ProcessBuilder.Redirect output() {
        return ProcessBuilder.Redirect.appendTo(new File("/proc/self/fd/" + writer));
    }

    /** Call once the process has the pipe, or could not be started. The pipe then ends when its last writer is gone. */
    void onProcessStarted() {
        Libc.close(writer);
    }

    /** Waits until the last writer is gone, at most {@code bound}. */
    void awaitEnd(Duration bound) throws InterruptedException {
        boolean _ = over.await(bound.toMillis(), TimeUnit.MILLISECONDS);
    }

    synchronized String text() {
        byte[] all = kept.toByteArray();
        int from = end ? Math.max(0, all.length - most) : 0;
        return new String(all, from, all.length - from, StandardCharsets.UTF_8);
    }

    private synchronized void read(int reader) {
        int count = closed ? -Libc.EAGAIN : LibcPipes.read(reader, Reading.BUFFER);
        if (count > 0) {
            keep(Reading.BUFFER.asSlice(0, count).toArray(ValueLayout.JAVA_BYTE));
        } else if (count != -Libc.EAGAIN && count != -Libc.EINTR) {
            close();
        }
    }

    private void keep(byte[] bytes) {
        kept.write(bytes, 0, end ? bytes.length : Math.min(bytes.length, most - kept.size()));
        if (end && kept.size() > 2 * most) {
            byte[] all = kept.toByteArray();
            kept.reset();
            kept.write(all, all.length - most, most);
        }
    }

    /** Stops reading; further writes to the pipe fail. */
    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            boolean _ = Reading.EPOLL.remove(key);
            over.countDown();
        }
    }
}
