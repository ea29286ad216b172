package org.allod.base;

/**
 * The frames of a command's streams between the API and its clients: a byte of type, four of length (big-endian, at most
 * {@link #MAX}), the payload.
 */
public final class ExecFrames {
    /** The name of this protocol in the upgrade that begins it. */
    public static final String PROTOCOL = "allod-exec/1";

    public static final int MAX = 64 << 10;

    /** From the client: standard input; empty is its end. */
    public static final byte STDIN = 0;

    public static final byte STDOUT = 1;
    public static final byte STDERR = 2;

    /** From the client: the terminal's size, two 16-bit numbers, columns and rows. */
    public static final byte RESIZE = 3;

    /** From the client: one byte, the signal's number. */
    public static final byte SIGNAL = 4;

    /** How the command ended, as JSON. Nothing follows. */
    public static final byte EXIT = 5;

    /** Why it is not known how the command ended, as the API's error body. Nothing follows. */
    public static final byte ERROR = 6;

    private ExecFrames() {}
}
