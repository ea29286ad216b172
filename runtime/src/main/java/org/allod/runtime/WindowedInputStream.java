package org.allod.runtime;

import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * One output stream of a command, between the link's reader, which never blocks, and the caller, who may be slow. Its
 * buffer is bounded by the window granted to the guest; reading grants the guest more.
 */
final class WindowedInputStream extends InputStream {
    /** Window is granted in pieces of this size, so that small reads do not each cost a frame. */
    private static final int GIVE_BACK = GuestProtocol.STREAM_WINDOW / 4;

    private final IntConsumer consumed;
    private final ArrayDeque<byte[]> pieces = new ArrayDeque<>();
    private int offset;
    private int owed;
    private boolean ended;
    private @Nullable String broken;

    WindowedInputStream(IntConsumer consumed) {
        this.consumed = consumed;
    }

    synchronized void put(byte[] bytes) {
        if (!ended) {
            pieces.add(bytes);
            notifyAll();
        }
    }

    synchronized void end() {
        ended = true;
        notifyAll();
    }

    /** The guest is gone: buffered data can still be read, then reads fail. */
    synchronized void fail(String reason) {
        if (!ended) {
            broken = reason;
            ended = true;
            notifyAll();
        }
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int at, int length) throws IOException {
        Objects.checkFromIndexSize(at, length, into.length);
        int giveBack = 0;
        int count;
        synchronized (this) {
            while (pieces.isEmpty() && !ended && length > 0) {
                try {
                    wait();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new IOException("interrupted while reading a command's output", e);
                }
            }
            byte[] piece = pieces.peek();
            if (piece == null) {
                if (broken != null) {
                    throw new IOException(broken);
                }
                return length == 0 ? 0 : -1;
            }
            count = Math.min(length, piece.length - offset);
            System.arraycopy(piece, offset, into, at, count);
            offset += count;
            if (offset == piece.length) {
                pieces.remove();
                offset = 0;
                owed += GuestProtocol.FRAME_COST;
            }
            owed += count;
            if (owed >= GIVE_BACK && !ended) {
                giveBack = owed;
                owed = 0;
            }
        }
        if (giveBack > 0) {
            consumed.accept(giveBack);
        }
        return count;
    }

    @Override
    public synchronized int available() {
        byte[] piece = pieces.peek();
        return piece == null ? 0 : piece.length - offset;
    }
}
