package org.allod.runtime;

import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * Splits a guest's byte stream into frames. Holds at most one frame and reads nothing ahead. Until the first {@code
 * Welcome}, other bytes are skipped: a serial port may still carry the rest of what was sent to an earlier daemon, but
 * at most {@link #NOISE} of it.
 *
 * <p>One thread.
 */
final class FrameReader {
    /** The most that an earlier connection can have left in transit: the guest's queue and the port's buffer. */
    static final int NOISE = 1 << 20;

    private static final byte[] SIGN = {
        GuestProtocol.VERSION,
        (byte) GuestProtocol.WELCOME,
        0,
        0,
        0,
        0,
        0,
        GuestProtocol.WELCOME_SIZE,
        (byte) 0xa1,
        'A',
        'L',
        'L',
        'O',
        'D',
        '\r',
        '\n'
    };

    private final ByteBuffer buffer = ByteBuffer.allocate(GuestProtocol.HEADER + GuestProtocol.MAX_PAYLOAD);
    private boolean greeted;
    private int skipped;

    /** The buffer for the next bytes; there is always space. */
    ByteBuffer room() {
        return buffer;
    }

    /** The next complete frame, if there is one. */
    Optional<GuestFrame> next() {
        if (!greeted) {
            skipNoise();
        }
        if (buffer.position() < GuestProtocol.HEADER) {
            return Optional.empty();
        }
        int length = buffer.getInt(4);
        if (buffer.get(0) != GuestProtocol.VERSION) {
            throw new ProtocolViolationException(
                    "a frame of version " + buffer.get(0) + ", not " + GuestProtocol.VERSION);
        }
        if (buffer.getShort(2) != 0 || length < 0 || length > GuestProtocol.MAX_PAYLOAD) {
            throw new ProtocolViolationException("a frame of " + Integer.toUnsignedString(length) + " bytes");
        }
        if (buffer.position() < GuestProtocol.HEADER + length) {
            return Optional.empty();
        }
        int type = buffer.get(1) & 0xff;
        GuestFrame frame = GuestFrame.decode(type, buffer.slice(GuestProtocol.HEADER, length));
        greeted = true;
        drop(GuestProtocol.HEADER + length);
        return Optional.of(frame);
    }

    private void drop(int count) {
        buffer.flip().position(count);
        buffer.compact();
    }

    private void skipNoise() {
        int at = 0;
        while (at < buffer.position() && !mayStartHere(at)) {
            at++;
        }
        skipped += at;
        if (skipped > NOISE) {
            throw new ProtocolViolationException("no greeting in the first " + NOISE + " bytes");
        }
        drop(at);
    }

    private boolean mayStartHere(int at) {
        for (int i = 0; i < SIGN.length && at + i < buffer.position(); i++) {
            if (buffer.get(at + i) != SIGN[i]) {
                return false;
            }
        }
        return true;
    }
}
