package org.allod.runtime;

/**
 * The memory of a running guest.
 *
 * @param limitMb its current limit in megabytes
 * @param availableMb how much of the limit is still available; a microVM's own claim, if it makes one
 */
public record GuestMemory(long limitMb, long availableMb) {
    /** From limit and use in bytes. */
    static GuestMemory of(long limit, long used) {
        return new GuestMemory(limit >> 20, Math.max(0, limit - Math.max(0, used)) >> 20);
    }
}
