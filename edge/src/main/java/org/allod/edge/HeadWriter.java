package org.allod.edge;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.nio.charset.StandardCharsets;

/**
 * Builds a head in one array, so that it is copied into the socket's buffer once. Grows as needed; belongs to one loop.
 */
final class HeadWriter {
    private byte[] out = new byte[4096];
    private int length;

    HeadWriter clear() {
        length = 0;
        return this;
    }

    HeadWriter put(byte[] from) {
        return put(from, 0, from.length);
    }

    HeadWriter put(byte[] from, int start, int end) {
        room(end - start);
        System.arraycopy(from, start, out, length, end - start);
        length += end - start;
        return this;
    }

    @SuppressWarnings("deprecation") // the one call that copies ASCII without an encoder; all callers write ASCII
    HeadWriter put(String ascii) {
        room(ascii.length());
        ascii.getBytes(0, ascii.length(), out, length);
        length += ascii.length();
        return this;
    }

    /** The head in a buffer with room for {@code more} bytes after it. */
    ByteBuf toBuffer(ByteBufAllocator allocator, int more) {
        ByteBuf buffer = allocator.directBuffer(length + more);
        buffer.writeBytes(out, 0, length);
        return buffer;
    }

    private void room(int more) {
        if (length + more > out.length) {
            out = java.util.Arrays.copyOf(out, Math.max(out.length * 2, length + more));
        }
    }

    static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
