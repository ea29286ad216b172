package org.allod.runtime;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** A frame from the host to a guest. */
sealed interface HostFrame {
    /**
     * The greeting that starts every connection.
     *
     * @param nonce returned in the answer, so that an old answer is not mistaken for this one
     * @param boot the guest's boot that {@code position} belongs to
     * @param position up to where the host has received the main process's output
     * @param wallNanos the host's wall clock, nanoseconds since 1970
     * @param seed 32 bytes for the guest's randomness
     */
    record Hello(long nonce, long boot, long position, long wallNanos, byte[] seed) implements HostFrame {}

    /** A piece of the encoded {@link GuestSetup}. */
    record Config(byte[] piece) implements HostFrame {}

    record Start() implements HostFrame {}

    record Run(int id, byte[] command) implements HostFrame {}

    record Input(int id, byte[] bytes) implements HostFrame {}

    record InputEnd(int id) implements HostFrame {}

    record Resize(int id, int columns, int rows) implements HostFrame {}

    record Signal(int id, int number) implements HostFrame {}

    record Credit(int id, int stream, int bytes) implements HostFrame {}

    record Ack(long position) implements HostFrame {}

    record Close(int id) implements HostFrame {}

    record ExitTaken() implements HostFrame {}

    record Ping(long token) implements HostFrame {}

    record Release() implements HostFrame {}

    /** Volume operations. */
    enum Volumes {
        /** Reports size and free space. */
        MEASURE(0),
        /** Grows the file system to the size of the disk. */
        GROW(1),
        /** Flushes cached writes; without a path, of all volumes. */
        SYNC(2),
        /** Flushes and blocks further writes. */
        FREEZE(3),
        /** Allows writes again. */
        THAW(4);

        private final int number;

        Volumes(int number) {
            this.number = number;
        }
    }

    /** @param path where the volume is mounted */
    record Volume(long token, Volumes what, String path) implements HostFrame {}

    /** The frame's bytes, header first, ready to be written. */
    default ByteBuffer encode() {
        return switch (this) {
            case Hello h -> {
                ByteBuffer b = frame(GuestProtocol.HELLO, 40 + h.seed.length).putLong(GuestProtocol.MAGIC);
                b.putLong(h.nonce).putLong(h.boot).putLong(h.position).putLong(h.wallNanos);
                yield b.put(h.seed).flip();
            }
            case Config c ->
                frame(GuestProtocol.CONFIG, c.piece.length).put(c.piece).flip();
            case Start _ -> frame(GuestProtocol.START, 0).flip();
            case Run r ->
                frame(GuestProtocol.EXEC, 4 + r.command.length)
                        .putInt(r.id)
                        .put(r.command)
                        .flip();
            case Input i ->
                frame(GuestProtocol.INPUT, 4 + i.bytes.length)
                        .putInt(i.id)
                        .put(i.bytes)
                        .flip();
            case InputEnd i -> frame(GuestProtocol.INPUT_END, 4).putInt(i.id).flip();
            case Resize r ->
                frame(GuestProtocol.RESIZE, 8)
                        .putInt(r.id)
                        .putShort((short) r.columns)
                        .putShort((short) r.rows)
                        .flip();
            case Signal s ->
                frame(GuestProtocol.SIGNAL, 5).putInt(s.id).put((byte) s.number).flip();
            case Credit c ->
                frame(GuestProtocol.CREDIT, 9)
                        .putInt(c.id)
                        .put((byte) c.stream)
                        .putInt(c.bytes)
                        .flip();
            case Ack a -> frame(GuestProtocol.ACK, 8).putLong(a.position).flip();
            case Close c -> frame(GuestProtocol.CLOSE, 4).putInt(c.id).flip();
            case ExitTaken _ -> frame(GuestProtocol.EXIT_TAKEN, 0).flip();
            case Ping p -> frame(GuestProtocol.PING, 8).putLong(p.token).flip();
            case Release _ -> frame(GuestProtocol.RELEASE, 0).flip();
            case Volume v -> {
                byte[] path = v.path.getBytes(StandardCharsets.UTF_8);
                ByteBuffer b = frame(GuestProtocol.VOLUME, 13 + path.length).putLong(v.token);
                yield b.put((byte) v.what.number).putInt(path.length).put(path).flip();
            }
        };
    }

    private static ByteBuffer frame(int type, int length) {
        if (length > GuestProtocol.MAX_PAYLOAD) {
            throw new IllegalArgumentException("a frame of " + length + " bytes");
        }
        ByteBuffer buffer = ByteBuffer.allocate(GuestProtocol.HEADER + length);
        return buffer.put((byte) GuestProtocol.VERSION)
                .put((byte) type)
                .putShort((short) 0)
                .putInt(length);
    }
}
