package org.allod.machine;

import java.util.List;
import org.allod.base.MachineId;

/**
 * The disk as it was last looked at, for people.
 *
 * @param total bytes of the file system under the data folder
 * @param free bytes of it that may still be written
 * @param outstanding bytes promised to running machines and not written yet
 * @param volumes bytes that volumes may still come to take
 * @param stops machines stopped for a full disk since the daemon started
 * @param machines running ones, those that hold most first
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
     * What a running machine's writable layer takes.
     *
     * @param promised what it may take without being the first to go
     */
    public record Use(MachineId machine, String app, String name, long held, long promised) {}
}
