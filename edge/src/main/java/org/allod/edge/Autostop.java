package org.allod.edge;

/** What happens to a machine that receives no requests. */
public enum Autostop {
    /** It keeps running. */
    OFF,
    /** It is stopped: memory is freed, the next request boots it. */
    STOP,
    /** Its memory is saved: the next request resumes it. */
    SUSPEND
}
