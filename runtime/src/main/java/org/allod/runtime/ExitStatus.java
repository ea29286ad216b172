package org.allod.runtime;

/**
 * How a main process ended.
 *
 * @param code its exit code, or 128 + the signal, or -1 if unknown (the guest was lost)
 * @param signal the signal that ended it, or 0
 * @param oomKilled whether the kernel killed it for memory
 */
public record ExitStatus(int code, int signal, boolean oomKilled) {
    /** The guest was gone before it reported how its process ended. */
    public static final ExitStatus LOST = new ExitStatus(-1, 0, false);
}
