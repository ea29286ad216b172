package org.allod.runtime;

/**
 * The memory of a guest that runs.
 *
 * @param limitMb the most it can use now, in megabytes
 * @param availableMb what of that it could still use; a virtual machine's own claim, where it makes one
 */
public record GuestMemory(long limitMb, long availableMb) {
    /** A guest that has this and uses that, in bytes. */
    static GuestMemory of(long limit, long used) {
        return new GuestMemory(limit >> 20, Math.max(0, limit - Math.max(0, used)) >> 20);
    }
}
