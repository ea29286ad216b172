package org.allod.runtime;

/** How a volume was kept unchanged while it was copied, which determines the state of the copy. */
public enum QuiesceMode {
    /** The file system was flushed and frozen: the copy is as after unmounting. */
    FROZEN,
    /** The whole guest was paused: the copy is as after a power cut, and its journal repairs it. */
    PAUSED,
    /** No guest ran, so nothing wrote. */
    IDLE;

    /** Work done while a volume does not change. */
    @FunctionalInterface
    public interface Work<T> {
        T run(QuiesceMode how) throws InterruptedException;
    }
}
