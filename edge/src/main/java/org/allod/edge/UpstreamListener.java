package org.allod.edge;

import io.netty.buffer.ByteBuf;

/** What a connection to a machine works for: told of what the machine sends, and of its end. */
interface UpstreamListener {
    /** Bytes from the machine, now the receiver's. */
    void onUpstreamData(ByteBuf in);

    /** The machine takes more again. */
    void onUpstreamWritable();

    /** The machine will send no more. */
    void onUpstreamEnd(UpstreamConnection which);

    /** The connection broke, or ended where it should not have. */
    void onUpstreamLost(UpstreamConnection which);
}
