package org.allod.edge;

/** What all event loops of an edge have in common. */
interface Shared {
    EdgeConfig config();

    Metrics metrics();

    Wakes wakes();

    Routes routes();

    boolean closing();

    /** Lets requests of every loop that wait look again. */
    void nudgeAll();
}
