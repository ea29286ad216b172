package org.allod.edge;

/** What becomes of a machine that nobody uses. */
public enum Autostop {
    /** It keeps running. */
    OFF,
    /** It is stopped: memory is freed, the next request boots it. */
    STOP,
    /** Its memory is kept aside: the next request continues it. */
    SUSPEND
}
