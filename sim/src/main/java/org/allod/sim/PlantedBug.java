package org.allod.sim;

/** Plausible defects that a test plants: the simulator must find each within a stated number of seeds. */
public enum PlantedBug {
    NONE,
    /** Half the flushes are said to be done and are not. */
    FLUSH_DROPPED,
    /** A write is acknowledged and told before it is on the disk. */
    ACK_BEFORE_WRITE,
    /** A host that starts again does not raise its incarnation. */
    INCARNATION_REUSED,
    /** Of two cells with one version, the one that comes later wins. */
    TIE_BY_ARRIVAL,
    /** A deleted row is forgotten at once. */
    TOMBSTONE_FORGOTTEN,
    /** Sync leaves one site out of what it compares. */
    DIGEST_FORGETS_SITE
}
