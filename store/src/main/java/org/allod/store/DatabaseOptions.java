package org.allod.store;

/**
 * Bounds of one database.
 *
 * @param queue writes that may wait; a caller beyond that blocks until there is room
 * @param batch most writes in one transaction: bounds the latency of the last and the work repeated if one fails
 * @param readers reader threads, each with its own connection
 * @param checkpointPages write-ahead log pages (4 KiB) at which the writer copies them into the file
 */
public record DatabaseOptions(int queue, int batch, int readers, int checkpointPages) {
    public static DatabaseOptions defaults() {
        return new DatabaseOptions(8192, 512, 2, 4000);
    }
}
