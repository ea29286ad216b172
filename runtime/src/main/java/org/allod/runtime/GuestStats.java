package org.allod.runtime;

/**
 * Resource use of a guest, from its control groups and its network device; -1 if this host cannot tell.
 *
 * @param cpuNanos CPU time since it was prepared
 * @param memoryBytes memory in use now
 * @param memoryLimitBytes its memory limit
 * @param processes host processes that belong to it
 * @param networkReceivedBytes bytes into the guest
 * @param networkSentBytes bytes out of it
 * @param diskBytes bytes its writable layer takes on the host
 */
public record GuestStats(
        long cpuNanos,
        long memoryBytes,
        long memoryLimitBytes,
        long processes,
        long networkReceivedBytes,
        long networkSentBytes,
        long diskBytes) {}
