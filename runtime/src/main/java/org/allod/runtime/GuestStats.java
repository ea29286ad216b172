package org.allod.runtime;

/**
 * What a guest uses, from its control groups and its network device; -1 where this host cannot tell.
 *
 * @param cpuNanos processor time since it was prepared
 * @param memoryBytes memory in use now
 * @param memoryLimitBytes the bound on it
 * @param processes processes of the host that belong to it
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
