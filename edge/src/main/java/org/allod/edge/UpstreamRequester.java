package org.allod.edge;

import org.jspecify.annotations.Nullable;

/** A request or raw connection that needs a connection to a machine. {@link UpstreamAcquisition} finds one. */
interface UpstreamRequester {
    ClientChannel client();

    /**
     * Its app's route in the current catalog, which may have changed since the last call; null if the catalog has none.
     */
    @Nullable
    AppRoute route();

    /** Sets the deadline after which {@link UpstreamAcquisition#onDeadline} is to be called. */
    void deadline(long at);

    /** Stops reading from its client for now. */
    void pause();

    /** How many bytes it buffers while it waits. */
    int heldBytes();

    /** The acquisition succeeded; the requester owns the connection. */
    void onAcquired(UpstreamConnection upstream);

    /** The acquisition failed. */
    void fail(ErrorResponse answer);
}
