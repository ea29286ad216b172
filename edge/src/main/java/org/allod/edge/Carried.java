package org.allod.edge;

import io.netty.buffer.ByteBuf;

/** What a connection to a machine works for: told of what the machine sends, and of its end. */
interface Carried {
    /** Bytes from the machine, now the receiver's. */
    void fromUpstream(ByteBuf in);

    /** The machine takes more again. */
    void upstreamDrained();

    /** The machine will send no more. */
    void upstreamEnded(Upstream which);

    /** The connection broke, or ended where it should not have. */
    void upstreamGone(Upstream which);
}
