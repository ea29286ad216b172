package org.allod.runtime;

/** Where a main process's output goes, byte by byte, with its position in the guest's count. */
interface OutputSink {
    /** The boot whose positions {@link #position} speaks of. */
    long boot();

    /** Up to where everything is kept for good; the guest sends again from here after a lost connection. */
    long position();

    /** The guest's boot, told before anything else of it. Where it is another one, positions begin again. */
    void booted(long boot, long position);

    void output(long position, int stream, byte[] bytes);

    /** The guest dropped {@code count} bytes at {@code position}. */
    void lost(long position, long count);
}
