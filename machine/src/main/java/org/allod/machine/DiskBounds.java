package org.allod.machine;

/**
 * How the host's disk is promised to machines.
 *
 * @param promisePercent the share of its writable layer's bound that a running machine is promised. Five by default:
 *     nearly all layers hold a few megabytes, since lasting data belongs into volumes, and an unused promise is lost to
 *     others. A hundred promises every machine its whole bound
 * @param lowBytes free bytes below which nothing is created or started; 0 for the default
 * @param fullBytes free bytes below which the machine furthest beyond its promise is stopped; 0 for the default
 */
public record DiskBounds(int promisePercent, long lowBytes, long fullBytes) {
    /** What a machine writes beside its layer: its log, which takes two files. */
    static final long LOGS = 2 * org.allod.runtime.LogStore.FILE_LIMIT;

    private static final long MIB = 1L << 20;

    /** The default: low is a tenth of the disk, at most 2 GiB; full is a fortieth, at most 512 MiB. */
    public static final DiskBounds USUAL = new DiskBounds(5, 0, 0);

    /**
     * The watermarks of a disk of a certain size.
     *
     * @param low free bytes below which nothing is created or started
     * @param full free bytes below which machines are stopped
     */
    public record Watermarks(long low, long full) {}

    Watermarks on(long total) {
        long low = lowBytes > 0 ? lowBytes : Math.min(2_048 * MIB, total / 10);
        long full = fullBytes > 0 ? fullBytes : Math.min(512 * MIB, total / 40);
        return new Watermarks(low, Math.min(low, full));
    }

    /** Bytes that a machine is promised: a share of its layer's bound and swap, and its logs. */
    long promise(MachineConfig config) {
        long bound = (config.diskMb() + (long) config.init().swapMb()) * MIB;
        return bound * promisePercent / 100 + LOGS;
    }
}
