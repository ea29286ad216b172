package org.allod.store;

/**
 * A commit may or may not be on the disk, and nobody can know without reading it again: the flush failed. The database
 * takes no more writes; the daemon must stop and start again from what is really there. An {@link Error}, so that no
 * handler of ordinary failures passes it over.
 */
public final class DurabilityLost extends Error {
    public DurabilityLost(String message, Throwable cause) {
        super(message, cause);
    }
}
