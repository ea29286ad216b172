package org.allod.linux;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.Consumer;

/**
 * One message to a part of the kernel, written from front to back: a header, the fixed part that its kind has, and
 * attributes, which may hold attributes ({@code linux/netlink.h}). Numbers are of the machine's own byte order. To
 * other rooms it is a request that {@link LinkRequest} makes and {@link Rtnetlink#ask} sends.
 *
 * <p>Not for use by several threads.
 */
public final class NetlinkMessage {
    static final int REQUEST = 0x1;
    static final int ACK = 0x4;
    static final int REPLACE = 0x100;
    static final int EXCL = 0x200;
    static final int DUMP = 0x300;
    static final int CREATE = 0x400;

    static final int HEADER = 16;
    private static final int FLAGS_AT = 6;
    private static final int SEQUENCE_AT = 8;

    private static final int ATTRIBUTE = 4;
    private static final int NESTED = 0x8000;

    /** The length of an attribute has 16 bits; nothing we send comes near. */
    private static final int MOST = 0xffff;

    private final String what;
    private ByteBuffer bytes = ByteBuffer.allocate(256).order(ByteOrder.nativeOrder());

    /** @param what it asks for, as an error is to name it: {@code add the route …} */
    NetlinkMessage(String what, int type, int flags) {
        this.what = what;
        bytes.putInt(0)
                .putShort((short) type)
                .putShort((short) (REQUEST | flags))
                .putInt(0)
                .putInt(0);
    }

    String what() {
        return what;
    }

    boolean acknowledged() {
        return (bytes.getShort(FLAGS_AT) & ACK) != 0;
    }

    NetlinkMessage u8(int... values) {
        for (int value : values) {
            room(1).put((byte) value);
        }
        return this;
    }

    NetlinkMessage u16(int value) {
        room(2).putShort((short) value);
        return this;
    }

    NetlinkMessage u32(long value) {
        room(4).putInt((int) value);
        return this;
    }

    NetlinkMessage put(int type, byte[] value) {
        room(ATTRIBUTE + value.length + ATTRIBUTE)
                .putShort((short) (ATTRIBUTE + value.length))
                .putShort((short) type)
                .put(value);
        return align();
    }

    /** Text with the zero at its end that the kernel asks for. */
    NetlinkMessage put(int type, String value) {
        byte[] text = value.getBytes(StandardCharsets.UTF_8);
        return put(type, Arrays.copyOf(text, text.length + 1));
    }

    NetlinkMessage put(int type, long value) {
        room(ATTRIBUTE + 4)
                .putShort((short) (ATTRIBUTE + 4))
                .putShort((short) type)
                .putInt((int) value);
        return this;
    }

    /** An attribute of whatever {@code inside} writes. */
    NetlinkMessage nest(int type, Consumer<NetlinkMessage> inside) {
        int at = bytes.position();
        room(ATTRIBUTE).putShort((short) 0).putShort((short) (type | NESTED));
        inside.accept(this);
        bytes.putShort(at, (short) bounded(bytes.position() - at));
        return this;
    }

    /** The message, a number of whole words, ready to be sent under a number that its answer will bear. */
    byte[] sealed(int sequence) {
        bytes.putInt(0, bounded(bytes.position()));
        bytes.putInt(SEQUENCE_AT, sequence);
        return Arrays.copyOf(bytes.array(), bytes.position());
    }

    private static int bounded(int length) {
        if (length > MOST) {
            throw new IllegalArgumentException("a netlink message of more than " + MOST + " bytes");
        }
        return length;
    }

    private NetlinkMessage align() {
        while (bytes.position() % 4 != 0) {
            room(1).put((byte) 0);
        }
        return this;
    }

    private ByteBuffer room(int length) {
        if (bytes.remaining() < length) {
            ByteBuffer more =
                    ByteBuffer.allocate(2 * bounded(bytes.position() + length)).order(ByteOrder.nativeOrder());
            bytes = more.put(bytes.flip());
        }
        return bytes;
    }
}
