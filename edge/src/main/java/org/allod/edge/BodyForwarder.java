package org.allod.edge;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import org.jspecify.annotations.Nullable;

/**
 * Forwards the body of a machine's response to one client: finds where it ends and converts its framing. Belongs to one
 * exchange; closed with it.
 */
final class BodyForwarder implements AutoCloseable {
    enum Form {
        /** With the chunk framing of the machine. */
        AS_IS,
        /** Without chunk framing, which HTTP/1.0 does not have. */
        WITHOUT_CHUNKS,
        GZIP
    }

    private final BodyFraming body;
    private final Form form;
    private final UpstreamConnection from;
    private final ClientConnection client;
    private final ByteBufAllocator allocator;
    private final @Nullable GzipEncoder gzip;

    BodyForwarder(BodyFraming body, Form form, UpstreamConnection from, ClientConnection client) {
        this.body = body;
        this.form = form;
        this.from = from;
        this.client = client;
        allocator = client.allocator();
        gzip = form == Form.GZIP ? new GzipEncoder() : null;
    }

    boolean done() {
        return body.done();
    }

    /** Whether only the end of the machine's connection ends the body. */
    boolean untilClose() {
        return body.untilClose();
    }

    /**
     * Forwards the bytes that arrived.
     *
     * @param head the response's head, which is sent first, or null if it was sent already; ownership passes to this
     *     method
     * @throws HttpParseException if the machine's chunk framing is invalid; the head is released in that case
     */
    void pass(ByteBuf in, @Nullable ByteBuf head) {
        switch (form) {
            case AS_IS -> asIs(in, head);
            case WITHOUT_CHUNKS -> {
                ByteBuf plain = plain(in, head != null ? head : allocator.directBuffer(in.readableBytes()));
                from.toClient(client, plain);
            }
            case GZIP -> {
                if (head != null) {
                    from.toClient(client, head);
                }
                ByteBuf plain = plain(in, allocator.directBuffer(in.readableBytes()));
                squeeze(plain, body.done());
            }
        }
    }

    /** The machine's connection has ended, and the body with it. */
    void ended() {
        if (gzip != null) {
            squeeze(allocator.directBuffer(0), true);
        }
    }

    private void squeeze(ByteBuf plain, boolean last) {
        try {
            if (plain.isReadable() || last) {
                from.toClient(client, java.util.Objects.requireNonNull(gzip).pass(plain, last, allocator));
            }
        } finally {
            plain.release();
        }
    }

    /** Appends the content of {@code in}, without framing, to {@code into}. */
    private ByteBuf plain(ByteBuf in, ByteBuf into) {
        try {
            if (body instanceof BodyFraming.Chunked) {
                in.skipBytes(body.accept(in, into));
            } else {
                into.writeBytes(in, body.accept(in, null));
            }
            return into;
        } catch (HttpParseException bad) {
            into.release();
            throw bad;
        }
    }

    private void asIs(ByteBuf in, @Nullable ByteBuf head) {
        int count;
        try {
            count = body.accept(in, null);
        } catch (HttpParseException bad) {
            if (head != null) {
                head.release();
            }
            throw bad;
        }
        if (head != null && count <= head.writableBytes()) {
            from.toClient(client, head.writeBytes(in, count));
            return;
        }
        if (head != null) {
            from.toClient(client, head);
        }
        if (count > 0) {
            from.toClient(client, in.readRetainedSlice(count));
        }
    }

    @Override
    public void close() {
        if (gzip != null) {
            gzip.close();
        }
    }
}
