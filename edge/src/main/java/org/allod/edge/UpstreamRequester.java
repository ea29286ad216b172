package org.allod.edge;

import org.jspecify.annotations.Nullable;

/** Who looks for a connection to a machine: a request, or a raw connection. {@link UpstreamAcquisition} finds it one. */
interface UpstreamRequester {
    ClientChannel client();

    /** Its app's route in the catalog of the moment, which may have changed since; null where that has none. */
    @Nullable
    AppRoute route();

    /** When it has waited long enough; then {@link UpstreamAcquisition#onDeadline}. */
    void deadline(long at);

    /** Reads no further from its client for now. */
    void pause();

    /** How much memory it takes while it waits. */
    int heldBytes();

    /** This connection is its own now. */
    void onAcquired(UpstreamConnection upstream);

    /** There is none to be had. */
    void fail(ErrorResponse answer);
}
