package org.allod.runtime;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.allod.linux.Ext4;

/** A frame from a guest. Everything in it is an unverified claim of a possibly hostile sender. */
sealed interface GuestFrame {
    /** The largest block size of any file system. */
    long MAX_BLOCK = 65536;

    /** What the guest's main process is doing. */
    enum State {
        /** The guest waits for its configuration. */
        UNSET,
        RUNNING,
        ENDED
    }

    /**
     * The answer to a greeting.
     *
     * @param boot identifies this boot of the guest; positions of another boot are meaningless
     * @param pid of the main process, inside the guest; 0 if none runs
     * @param position where the main process's output continues
     */
    record Welcome(long nonce, long boot, State state, int pid, long position) implements GuestFrame {}

    record Started(int pid) implements GuestFrame {}

    /** Output of the main process; {@code stream} is 1 or 2. */
    record Output(long position, int stream, byte[] bytes) implements GuestFrame {}

    /** {@code count} bytes of output from {@code position} on were dropped inside because nobody read them in time. */
    record Lost(long position, long count) implements GuestFrame {}

    record Data(int id, int stream, byte[] bytes) implements GuestFrame {}

    record DataEnd(int id, int stream) implements GuestFrame {}

    record Grant(int id, int bytes) implements GuestFrame {}

    record Exited(int id, ExitStatus exit) implements GuestFrame {}

    record Pong(long token) implements GuestFrame {}

    record Released() implements GuestFrame {}

    /**
     * The state of a volume after the requested operation.
     *
     * @param diskBytes the size of its disk, as the guest's kernel knows it
     * @param why why the operation failed; empty on success
     */
    record VolumeState(long token, long diskBytes, Ext4.Space space, String why) implements GuestFrame {}

    /** The guest reports a protocol error of the host. */
    record Fault(String why) implements GuestFrame {}

    /**
     * Decodes one payload. Pure: the same bytes give the same frame or the same {@link ProtocolViolationException}.
     *
     * @param payload positioned at its start, and limited to it
     */
    static GuestFrame decode(int type, ByteBuffer payload) {
        int length = payload.remaining();
        GuestFrame frame = switch (type) {
            case GuestProtocol.WELCOME -> {
                exactly(type, length, GuestProtocol.WELCOME_SIZE);
                if (payload.getLong() != GuestProtocol.MAGIC) {
                    throw new ProtocolViolationException("a greeting without its mark");
                }
                long nonce = payload.getLong();
                long boot = payload.getLong();
                int state = payload.get();
                if (state < 0 || state >= State.values().length) {
                    throw new ProtocolViolationException("state " + state);
                }
                int pid = payload.getInt();
                yield new Welcome(nonce, boot, State.values()[state], pid, position(payload));
            }
            case GuestProtocol.STARTED -> {
                exactly(type, length, 4);
                yield new Started(payload.getInt());
            }
            case GuestProtocol.OUTPUT -> {
                atLeast(type, length, 10);
                yield new Output(position(payload), stream(payload), rest(payload));
            }
            case GuestProtocol.LOST -> {
                exactly(type, length, 16);
                yield new Lost(position(payload), position(payload));
            }
            case GuestProtocol.DATA -> {
                atLeast(type, length, 6);
                yield new Data(payload.getInt(), stream(payload), rest(payload));
            }
            case GuestProtocol.DATA_END -> {
                exactly(type, length, 5);
                yield new DataEnd(payload.getInt(), stream(payload));
            }
            case GuestProtocol.GRANT -> {
                exactly(type, length, 8);
                yield new Grant(payload.getInt(), payload.getInt());
            }
            case GuestProtocol.EXITED -> {
                exactly(type, length, 10);
                int id = payload.getInt();
                int code = payload.getInt();
                int signal = payload.get() & 0x7f;
                yield new Exited(id, new ExitStatus(code & 0xff, signal, payload.get() != 0));
            }
            case GuestProtocol.PONG -> {
                exactly(type, length, 8);
                yield new Pong(payload.getLong());
            }
            case GuestProtocol.RELEASED -> {
                exactly(type, length, 0);
                yield new Released();
            }
            case GuestProtocol.VOLUME_STATE -> {
                atLeast(type, length, 48);
                long token = payload.getLong();
                long disk = position(payload);
                long block = position(payload);
                if (block > MAX_BLOCK) {
                    throw new ProtocolViolationException("blocks of " + block + " bytes");
                }
                var space = new Ext4.Space(block, blocks(payload), blocks(payload), blocks(payload));
                yield new VolumeState(token, disk, space, printable(rest(payload)));
            }
            case GuestProtocol.FAULT -> new Fault(printable(rest(payload)));
            default -> throw new ProtocolViolationException("a frame of unknown type 0x%02x".formatted(type));
        };
        return frame;
    }

    private static void exactly(int type, int length, int wanted) {
        if (length != wanted) {
            throw new ProtocolViolationException("frame 0x%02x of %d bytes, not %d".formatted(type, length, wanted));
        }
    }

    private static void atLeast(int type, int length, int wanted) {
        if (length < wanted) {
            throw new ProtocolViolationException(
                    "frame 0x%02x of %d bytes, fewer than %d".formatted(type, length, wanted));
        }
    }

    /** A byte count below 2^62, so that adding two never overflows. */
    private static long position(ByteBuffer payload) {
        long position = payload.getLong();
        if (position < 0 || position >= 1L << 62) {
            throw new ProtocolViolationException("position " + position);
        }
        return position;
    }

    /** A block count whose size in bytes does not overflow. */
    private static long blocks(ByteBuffer payload) {
        long blocks = payload.getLong();
        if (blocks < 0 || blocks > 1L << 44) {
            throw new ProtocolViolationException(blocks + " blocks");
        }
        return blocks;
    }

    private static int stream(ByteBuffer payload) {
        int stream = payload.get();
        if (stream != 1 && stream != 2) {
            throw new ProtocolViolationException("stream " + stream);
        }
        return stream;
    }

    private static byte[] rest(ByteBuffer payload) {
        byte[] bytes = new byte[payload.remaining()];
        payload.get(bytes);
        return bytes;
    }

    /** At most one line of the text, without terminal control characters. */
    private static String printable(byte[] bytes) {
        int length = Math.min(bytes.length, 200);
        return new String(bytes, 0, length, StandardCharsets.UTF_8).replaceAll("[^\\p{Print}]", "?");
    }
}
