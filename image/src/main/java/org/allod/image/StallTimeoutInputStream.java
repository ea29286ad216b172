package org.allod.image;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import org.allod.base.Timers;

/**
 * A stream that is closed under its reader when no data arrives for a while: a peer that holds the connection open and
 * sends nothing must not block a pull for ever.
 */
final class StallTimeoutInputStream extends FilterInputStream {
    private static final Duration LOOK = Duration.ofSeconds(15);
    private static final int QUIET_LOOKS = 3;

    private final Timers timers;
    private long bytes;
    private long seen = -1;
    private int quiet;
    private boolean closed;
    private Timers.Timer timer;

    StallTimeoutInputStream(InputStream in, Timers timers) {
        super(in);
        this.timers = timers;
        this.timer = timers.after(LOOK, this::look);
    }

    private void look() {
        synchronized (this) {
            if (closed) {
                return;
            }
            quiet = bytes == seen ? quiet + 1 : 0;
            seen = bytes;
            if (quiet < QUIET_LOOKS) {
                timer = timers.after(LOOK, this::look);
                return;
            }
        }
        try {
            super.close();
        } catch (IOException e) {
            // The reader sees that its stream has ended.
        }
    }

    @Override
    public int read() throws IOException {
        int value = super.read();
        count(1);
        return value;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
        int n = super.read(into, offset, length);
        count(n);
        return n;
    }

    private synchronized void count(int n) {
        bytes += n;
    }

    @Override
    public void close() throws IOException {
        synchronized (this) {
            closed = true;
            timer.cancel();
        }
        super.close();
    }
}
