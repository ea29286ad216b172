package org.allod.edge;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import org.jspecify.annotations.Nullable;

/**
 * The body of a machine's answer on its way to one client: where it ends, and the form in which it leaves. Belongs to
 * one exchange; closed with it.
 */
final class BodyForwarder implements AutoCloseable {
    enum Form {
        /** With the chunks it came in. */
        AS_IS,
        /** For HTTP/1.0, which knows no chunks. */
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

    /** Only the end of the machine's connection ends it. */
    boolean untilClose() {
        return body.untilClose();
    }

    /**
     * Passes on what has come.
     *
     * @param head the answer's head, which leaves first, or null where it has left; taken over
     * @throws HttpParseException where the machine's chunks are wrong; the head is released then
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

    /** Adds to {@code into} what of the content has come. */
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
