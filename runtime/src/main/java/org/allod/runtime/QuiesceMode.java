package org.allod.runtime;

/** How a volume was kept from changing while it was copied: what whoever opens the copy may rely on. */
public enum QuiesceMode {
    /** The file system was written out and held: the copy is as after unmounting. */
    FROZEN,
    /** The whole guest stood still: the copy is as after a power cut, and the journal brings it in order. */
    PAUSED,
    /** No guest runs: nobody writes. */
    IDLE;

    /** Work done while a volume does not change. */
    @FunctionalInterface
    public interface Work<T> {
        T run(QuiesceMode how) throws InterruptedException;
    }
}
