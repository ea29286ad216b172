package org.allod.machine;

import java.util.List;
import org.allod.base.MachineId;

/**
 * The last reading of the disk, for the operator.
 *
 * @param total bytes of the file system under the data folder
 * @param free bytes of it that may still be written
 * @param outstanding bytes promised to running machines and not written yet
 * @param volumes bytes that volumes may still come to take
 * @param stops machines stopped for a full disk since the daemon started
 * @param machines the running machines, those that hold most first
 */
public record DiskUsageReport(
        DiskLevel level,
        long total,
        long free,
        DiskBounds.Watermarks marks,
        long outstanding,
        long volumes,
        long stops,
        List<Use> machines) {
    /**
     * The disk space of a running machine's writable layer.
     *
     * @param held bytes that it takes
     * @param promised bytes that it may take without being the first to be stopped
     */
    public record Use(MachineId machine, String app, String name, long held, long promised) {}
}
