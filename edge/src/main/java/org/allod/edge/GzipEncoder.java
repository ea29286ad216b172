package org.allod.edge;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufUtil;
import java.util.zip.CRC32;
import java.util.zip.Deflater;

/**
 * Compresses one body as it passes. Each piece of input becomes one complete HTTP/1.1 chunk: nothing is held back for
 * later input. Holds off-heap memory until it is closed. Belongs to one loop, and takes about a millisecond of it for
 * the usual piece of 64 KiB.
 */
final class GzipEncoder implements AutoCloseable {
    /** Measured on source text: 26 % of the size at 0.9 ms for 64 KiB; the default level 6 reaches 23 % at 2.0 ms. */
    private static final int LEVEL = 3;

    private static final int ROOM = 8 << 10;
    private static final byte[] HEAD = {0x1f, (byte) 0x8b, Deflater.DEFLATED, 0, 0, 0, 0, 0, 0, (byte) 0xff};

    private final Deflater deflater = new Deflater(LEVEL, true);
    private final CRC32 sum = new CRC32();
    private boolean begun;

    /**
     * @param in read to its end; not released
     * @param last whether the body ends with it
     * @return chunks, followed by the final chunk if {@code last}
     */
    ByteBuf pass(ByteBuf in, boolean last, ByteBufAllocator allocator) {
        ByteBuf content = allocator.directBuffer(Math.max(64, in.readableBytes() / 2));
        try {
            if (!begun) {
                begun = true;
                content.writeBytes(HEAD);
            }
            byte[] plain = ByteBufUtil.getBytes(in);
            in.skipBytes(plain.length);
            sum.update(plain);
            deflater.setInput(plain);
            deflate(content, last);
            if (last) {
                content.writeIntLE((int) sum.getValue()).writeIntLE((int) deflater.getBytesRead());
            }
            return framed(content, last, allocator);
        } finally {
            content.release();
        }
    }

    private void deflate(ByteBuf content, boolean last) {
        byte[] room = new byte[ROOM];
        if (last) {
            deflater.finish();
            while (!deflater.finished()) {
                content.writeBytes(room, 0, deflater.deflate(room));
            }
            return;
        }
        int count;
        do {
            count = deflater.deflate(room, 0, ROOM, Deflater.SYNC_FLUSH);
            content.writeBytes(room, 0, count);
        } while (count == ROOM);
    }

    private static ByteBuf framed(ByteBuf content, boolean last, ByteBufAllocator allocator) {
        int size = content.readableBytes();
        ByteBuf out = allocator.directBuffer(size + 24);
        if (size > 0) {
            ByteBufUtil.writeAscii(out, Integer.toHexString(size) + "\r\n");
            out.writeBytes(content);
            ByteBufUtil.writeAscii(out, "\r\n");
        }
        if (last) {
            ByteBufUtil.writeAscii(out, "0\r\n\r\n");
        }
        return out;
    }

    @Override
    public void close() {
        deflater.end();
    }
}
