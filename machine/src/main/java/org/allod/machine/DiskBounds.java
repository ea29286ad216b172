package org.allod.machine;

/**
 * How the host's disk is promised to machines.
 *
 * @param promisePercent how much of its writable layer's bound a running machine is promised. Five by default: nearly
 *     all layers hold a few megabytes, since what is to last belongs into volumes, and a promise that is not used is
 *     lost to others. A hundred promises every machine its whole bound
 * @param lowBytes below this much free space nothing is created or started; 0 for the usual
 * @param fullBytes below this much whoever has written most beyond its promise is stopped; 0 for the usual
 */
public record DiskBounds(int promisePercent, long lowBytes, long fullBytes) {
    /** What a machine writes beside its layer: its log, in two files. */
    static final long LOGS = 2 * org.allod.runtime.LogStore.FILE_LIMIT;

    private static final long MIB = 1L << 20;

    /** The usual: low is a tenth of the disk, at most 2 GiB; full a fortieth, at most 512 MiB. */
    public static final DiskBounds USUAL = new DiskBounds(5, 0, 0);

    /**
     * For a disk of a size.
     *
     * @param low free bytes below which nothing is created or started
     * @param full free bytes below which somebody is stopped
     */
    public record Watermarks(long low, long full) {}

    Watermarks on(long total) {
        long low = lowBytes > 0 ? lowBytes : Math.min(2_048 * MIB, total / 10);
        long full = fullBytes > 0 ? fullBytes : Math.min(512 * MIB, total / 40);
        return new Watermarks(low, Math.min(low, full));
    }

    /** What a machine may write before it is beyond its promise. */
    long promise(MachineConfig config) {
        long bound = (config.diskMb() + (long) config.init().swapMb()) * MIB;
        return bound * promisePercent / 100 + LOGS;
    }
}
