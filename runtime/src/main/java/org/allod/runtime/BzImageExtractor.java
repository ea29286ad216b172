package org.allod.runtime;

import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Optional;

/**
 * Extracts the kernel from its package's compressed image (a "bzImage", Documentation/arch/x86/boot.rst) as the ELF
 * file that QEMU starts directly (PVH). Self-extraction costs an emulated guest 0.3 to 0.4 s of CPU at each boot; here
 * it is done once. Supports LZ4 only, which Debian's cloud kernel uses.
 */
final class BzImageExtractor {
    /** A kernel is tens of megabytes; an image that claims more is not unpacked. */
    private static final int MOST = 256 << 20;

    private static final int HEADER = 0x1f1;
    private static final int PAYLOAD = 0x248;
    private static final int SECTOR = 512;
    private static final int LZ4 = 0x184c2102;
    private static final int ELF = 0x464c457f;

    private BzImageExtractor() {}

    /** The content of {@code image}; empty if its format is not supported. */
    static Optional<byte[]> of(byte[] image) {
        try {
            ByteBuffer in = ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN);
            int begin = (Byte.toUnsignedInt(in.get(HEADER)) + 1) * SECTOR + in.getInt(PAYLOAD);
            int length = in.getInt(PAYLOAD + Integer.BYTES);
            // The kernel's makefile appends the unpacked size.
            ByteBuffer packed = in.slice(begin, length - Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            int size = in.getInt(begin + length - Integer.BYTES);
            if (packed.getInt() != LZ4 || size < SECTOR || size > MOST) {
                return Optional.empty();
            }
            byte[] plain = unpack(packed, size);
            boolean elf = ByteBuffer.wrap(plain).order(ByteOrder.LITTLE_ENDIAN).getInt() == ELF;
            return elf ? Optional.of(plain) : Optional.empty();
        } catch (IndexOutOfBoundsException | BufferUnderflowException | IOException e) {
            return Optional.empty();
        }
    }

    /**
     * Unpacks the "legacy" frame: blocks, each preceded by its length, until the end (LZ4 Frame Format Description
     * 1.6.1).
     */
    private static byte[] unpack(ByteBuffer in, int size) throws IOException {
        byte[] out = new byte[size];
        int at = 0;
        while (in.remaining() > Integer.BYTES) {
            int length = in.getInt();
            at = block(in.slice(in.position(), length), out, at);
            in.position(in.position() + length);
        }
        if (at != size) {
            throw new IOException("unpacked " + at + " bytes of " + size);
        }
        return out;
    }

    /** Unpacks one block (LZ4 Block Format Description); returns where the next one begins. */
    private static int block(ByteBuffer in, byte[] out, int start) {
        int at = start;
        while (in.hasRemaining()) {
            int token = Byte.toUnsignedInt(in.get());
            int literals = more(in, token >>> 4);
            in.get(out, at, literals);
            at += literals;
            if (!in.hasRemaining()) {
                break; // the last sequence has literals only
            }
            int back = Byte.toUnsignedInt(in.get()) | Byte.toUnsignedInt(in.get()) << 8;
            int match = more(in, token & 15) + 4;
            int from = at - back;
            if (back == 0 || from < start || match > out.length - at) {
                throw new IndexOutOfBoundsException("a match outside of its block");
            }
            copy(out, from, at, match);
            at += match;
        }
        return at;
    }

    /** A length of 15 continues in the following bytes, up to the first that is not 255. */
    private static int more(ByteBuffer in, int first) {
        int length = first;
        if (first == 15) {
            int next;
            do {
                next = Byte.toUnsignedInt(in.get());
                length = Math.addExact(length, next);
            } while (next == 255);
        }
        return length;
    }

    /** The ranges may overlap: then the bytes just written repeat. */
    private static void copy(byte[] out, int from, int to, int length) {
        int back = to - from;
        if (back >= length) {
            System.arraycopy(out, from, out, to, length);
        } else if (back == 1) {
            Arrays.fill(out, to, to + length, out[from]);
        } else {
            for (int i = 0; i < length; i++) {
                out[to + i] = out[from + i];
            }
        }
    }
}
