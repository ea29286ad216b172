package org.allod.runtime;

/** Receives a main process's output, byte by byte, with its position in the guest's count. */
interface OutputSink {
    /** The boot that {@link #position} refers to. */
    long boot();

    /** Everything before this position is stored for good; after a lost connection the guest sends again from here. */
    long position();

    /** The guest's boot, called before anything else. A new boot restarts positions. */
    void booted(long boot, long position);

    void output(long position, int stream, byte[] bytes);

    /** The guest dropped {@code count} bytes at {@code position}. */
    void lost(long position, long count);
}
