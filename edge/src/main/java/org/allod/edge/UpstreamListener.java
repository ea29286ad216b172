package org.allod.edge;

import io.netty.buffer.ByteBuf;

/** Receives the events of a connection to a machine. */
interface UpstreamListener {
    /** Bytes from the machine; the receiver owns the buffer. */
    void onUpstreamData(ByteBuf in);

    /** The connection is writable again. */
    void onUpstreamWritable();

    /** The machine half-closed the connection. */
    void onUpstreamEnd(UpstreamConnection which);

    /** The connection broke, or ended before its response was complete. */
    void onUpstreamLost(UpstreamConnection which);
}
