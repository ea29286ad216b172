package org.allod.store;

/**
 * A flush failed, so a commit may or may not be on the disk, and only reading the file again can tell. The database
 * refuses further writes; the daemon must restart from what the disk holds. It is an {@link Error}, so that no handler
 * of ordinary failures swallows it.
 */
public final class DurabilityLost extends Error {
    public DurabilityLost(String message, Throwable cause) {
        super(message, cause);
    }
}
