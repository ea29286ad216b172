package org.allod.edge;

import org.jspecify.annotations.Nullable;

/** Who looks for a connection to a machine: a request, or a raw connection. {@link Placement} finds it one. */
interface Seeker {
    Client client();

    /** Its app's route in the catalog of the moment, which may have changed since; null where that has none. */
    @Nullable
    Route route();

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
