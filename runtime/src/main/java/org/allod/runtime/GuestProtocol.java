package org.allod.runtime;

/**
 * The numbers of the guest channel, version 1 (docs/guest-channel.md). The guest's copy is {@code guest/src/frame.rs};
 * {@code GuestProtocolTest} compares the two.
 */
final class GuestProtocol {
    static final int VERSION = 1;
    static final int HEADER = 8;
    static final int MAX_PAYLOAD = 65536;
    static final long MAGIC = 0xa1414c4c_4f440d0aL;

    /** Bytes that either side may send on one stream of a command before more are granted. */
    static final int STREAM_WINDOW = 262144;
    /**
     * The window cost of a command's output frame in addition to its bytes, so that many small frames cost more than
     * one.
     */
    static final int FRAME_COST = 64;
    /** How far the main process's output may run ahead of the host's acknowledgement. */
    static final int OUTPUT_WINDOW = 262144;
    /** How much of that output the guest keeps while no daemon reads it. */
    static final int RING = 1048576;

    static final int HELLO = 0x01;
    static final int CONFIG = 0x02;
    static final int START = 0x03;
    static final int EXEC = 0x04;
    static final int INPUT = 0x05;
    static final int INPUT_END = 0x06;
    static final int RESIZE = 0x07;
    static final int SIGNAL = 0x08;
    static final int CREDIT = 0x09;
    static final int ACK = 0x0a;
    static final int CLOSE = 0x0b;
    static final int EXIT_TAKEN = 0x0c;
    static final int PING = 0x0d;
    static final int RELEASE = 0x0e;
    static final int VOLUME = 0x11;

    static final int WELCOME = 0x81;
    static final int STARTED = 0x82;
    static final int OUTPUT = 0x83;
    static final int LOST = 0x84;
    static final int DATA = 0x85;
    static final int DATA_END = 0x86;
    static final int GRANT = 0x87;
    static final int EXITED = 0x88;
    static final int PONG = 0x89;
    static final int RELEASED = 0x8a;
    static final int FAULT = 0x8b;
    static final int VOLUME_STATE = 0x8e;

    /** The id of the main process among the commands. */
    static final int MAIN = 0;

    static final int WELCOME_SIZE = 8 + 8 + 8 + 1 + 4 + 8;

    private GuestProtocol() {}
}
