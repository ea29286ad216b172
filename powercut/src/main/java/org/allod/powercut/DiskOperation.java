package org.allod.powercut;

/** One call that a process made; paths are relative to the recorded folder. */
sealed interface DiskOperation {
    /** Bytes put at a place in a file. */
    record Write(String path, long at, byte[] data) implements DiskOperation {}

    /** A file made longer or shorter. */
    record Resize(String path, long size) implements DiskOperation {}

    record Make(String path, boolean folder) implements DiskOperation {}

    record Remove(String path) implements DiskOperation {}

    /** A file or folder that has another name; what had that name before is gone. */
    record Rename(String from, String to) implements DiskOperation {}

    /** {@code fsync} or {@code fdatasync}, of a file or a folder. */
    record Flush(String path) implements DiskOperation {}

    /**
     * A flush that the disk refused. The kernel then takes what it had not written for written: whoever reads sees it, and
     * no later flush brings it to the disk.
     */
    record FailedFlush(String path) implements DiskOperation {}

    /** A line of the ledger: something was acknowledged. */
    record Acknowledge(String line) implements DiskOperation {}
}
