package org.allod.linux;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.allod.base.FailedException;

/**
 * One message from the kernel, taken apart. Every length is checked against what is really there, though it is the
 * kernel that wrote it: what is broken is a {@link FailedException}, never a wrong reading.
 *
 * @param type {@link #ERROR}, {@link #DONE} or what its part of the kernel sends
 * @param body what follows the header, in the machine's byte order, to be read by whoever knows the type
 */
record NetlinkResponse(int type, int flags, int sequence, ByteBuffer body) {
    static final int NOOP = 1;

    /** An error, or with the number 0 an acknowledgement. */
    static final int ERROR = 2;

    /** The end of a listing. */
    static final int DONE = 3;

    /** Messages were lost. */
    static final int OVERRUN = 4;

    static final int MULTI = 0x2;

    /** What was listed changed in the middle. */
    static final int INTERRUPTED = 0x10;

    private static final int CAPPED = 0x100;
    private static final int EXTENDED = 0x200;
    private static final int EXTENDED_TEXT = 1;
    private static final int TYPE_MASK = 0x3fff;
    private static final int ATTRIBUTE = 4;

    /** What one receive gave. */
    static List<NetlinkResponse> parse(ByteBuffer received) {
        ByteBuffer from = received.order(ByteOrder.nativeOrder());
        List<NetlinkResponse> answers = new ArrayList<>();
        while (from.remaining() >= NetlinkMessage.HEADER) {
            int at = from.position();
            int length = from.getInt(at);
            if (length < NetlinkMessage.HEADER || length > from.remaining()) {
                throw broken("a message of " + length + " bytes where " + from.remaining() + " are left");
            }
            answers.add(new NetlinkResponse(
                    from.getShort(at + 4) & 0xffff,
                    from.getShort(at + 6) & 0xffff,
                    from.getInt(at + 8),
                    slice(from, at + NetlinkMessage.HEADER, length - NetlinkMessage.HEADER)));
            from.position(Math.min(from.limit(), at + aligned(length)));
        }
        if (from.hasRemaining()) {
            throw broken(from.remaining() + " bytes that are no message");
        }
        return answers;
    }

    /** The number of an {@link #ERROR} or a {@link #DONE}, positive; 0 where it says that all is well. */
    int error() {
        if (body.remaining() < 4) {
            throw broken("an error without a number");
        }
        return -body.getInt(0);
    }

    /** What the kernel says of an {@link #ERROR} in words; empty where it says nothing. */
    String reason() {
        if ((flags & EXTENDED) == 0) {
            return "";
        }
        // The number, then the request: its header, and all of it where the flag says that it was not cut off.
        int echo = body.remaining() < 8 ? 0 : (flags & CAPPED) != 0 ? NetlinkMessage.HEADER : body.getInt(4);
        int at = 4 + aligned(echo);
        if (echo < NetlinkMessage.HEADER || at > body.remaining()) {
            throw broken("an error about a request of " + echo + " bytes");
        }
        byte[] text = attributes(slice(body, at, body.remaining() - at)).get(EXTENDED_TEXT);
        return text == null ? "" : text(text);
    }

    /** The attributes after a fixed part of so many bytes. */
    Map<Integer, byte[]> attributesAfter(int fixed) {
        if (body.remaining() < fixed) {
            throw broken("a message of type " + type + " of only " + body.remaining() + " bytes");
        }
        return attributes(slice(body, fixed, body.remaining() - fixed));
    }

    /** Attributes by type; of one that comes twice the last counts, as for the kernel. */
    static Map<Integer, byte[]> attributes(ByteBuffer from) {
        Map<Integer, byte[]> all = new LinkedHashMap<>();
        each(from, all::put);
        return all;
    }

    /** The values of all attributes, in order, whatever their types: for lists. */
    static List<byte[]> list(ByteBuffer from) {
        List<byte[]> all = new ArrayList<>();
        each(from, (_, value) -> all.add(value));
        return all;
    }

    private interface Each {
        void on(int type, byte[] value);
    }

    private static void each(ByteBuffer from, Each each) {
        ByteBuffer rest = from.duplicate().order(ByteOrder.nativeOrder());
        try {
            while (rest.hasRemaining()) {
                int length = rest.getShort() & 0xffff;
                int type = rest.getShort() & TYPE_MASK;
                if (length < ATTRIBUTE || length - ATTRIBUTE > rest.remaining()) {
                    throw broken("an attribute of " + length + " bytes where " + (rest.remaining() + ATTRIBUTE)
                            + " are left");
                }
                byte[] value = new byte[length - ATTRIBUTE];
                rest.get(value);
                each.on(type, value);
                rest.position(Math.min(rest.limit(), rest.position() + aligned(length) - length));
            }
        } catch (BufferUnderflowException e) {
            throw broken("half the head of an attribute");
        }
    }

    /** Text up to the zero at its end. */
    static String text(byte[] value) {
        int end = 0;
        while (end < value.length && value[end] != 0) {
            end++;
        }
        return new String(value, 0, end, StandardCharsets.UTF_8);
    }

    private static ByteBuffer slice(ByteBuffer from, int at, int length) {
        return from.slice(at, length).order(ByteOrder.nativeOrder());
    }

    private static int aligned(int length) {
        return (length + 3) & ~3;
    }

    private static FailedException broken(String how) {
        return new FailedException("the kernel's answer over netlink makes no sense: " + how);
    }
}
