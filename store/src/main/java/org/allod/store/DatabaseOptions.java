package org.allod.store;

/**
 * Bounds of one database.
 *
 * @param queue how many writes may wait; further callers block
 * @param batch the most writes in one transaction, which bounds the latency of the last one and what a failure repeats
 * @param readers reader threads, each with its own connection
 * @param checkpointPages write-ahead log pages (4 KiB) at which the writer copies them into the file
 */
public record DatabaseOptions(int queue, int batch, int readers, int checkpointPages) {
    public static DatabaseOptions defaults() {
        return new DatabaseOptions(8192, 512, 2, 4000);
    }
}
