package org.allod.edge;

/** Who looks for a connection to a machine: a request, or a raw connection. {@link Placement} finds it one. */
interface Seeker {
    Client client();

    /** When it has waited long enough; then {@link Placement#expired}. */
    void deadline(long at);

    /** Reads no further from its client for now. */
    void pause();

    /** How much memory it takes while it waits. */
    int heldBytes();

    /** This connection is its own now. */
    void placed(Upstream upstream);

    /** There is none to be had. */
    void fail(Answer answer);
}
