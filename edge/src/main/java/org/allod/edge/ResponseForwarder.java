package org.allod.edge;

import io.netty.buffer.ByteBuf;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Forwards one machine's response to the client: interim heads, the final head, and a body that is passed on as it
 * arrives. Buffers nothing but a partial head. Belongs to one {@link RequestForwarder}; closed with it.
 */
final class ResponseForwarder implements AutoCloseable {
    /** Maximum interim responses to one request; a machine that sends more is broken. */
    private static final int MAX_INTERIM = 16;
    /** Up to this size, the start of a body is copied after its head, so that both leave in one packet. */
    private static final int JOINED = 4096;

    /** The result of parsing a head. */
    enum Head {
        PARTIAL,
        INTERIM,
        /** The requested protocol follows. */
        UPGRADE,
        /** A body follows, though it may be empty. */
        FINAL
    }

    private final UpstreamConnection from;
    private final ClientConnection client;
    private final PendingRequest request;
    private final HttpOptions options;
    private final boolean gzip;

    /** The start of an incomplete head. */
    private @Nullable ByteBuf partial;
    /** The final head, until it is sent with the first bytes of its body. */
    private @Nullable ByteBuf head;

    private @Nullable BodyForwarder forwarder;
    private int status;
    private int interims;
    private boolean keepClient;
    private boolean keepUpstream;

    /**
     * @param options the app's options for responses
     * @param gzip whether the client accepts it and the app enables it
     */
    ResponseForwarder(
            UpstreamConnection from,
            ClientConnection client,
            PendingRequest request,
            HttpOptions options,
            boolean gzip) {
        this.from = from;
        this.client = client;
        this.request = request;
        this.options = options;
        this.gzip = gzip;
    }

    /** Whether any byte of the response has arrived. */
    boolean begun() {
        return partial != null || interims > 0 || forwarder != null;
    }

    int status() {
        return status;
    }

    /** Whether the client's connection can be reused after this response. */
    boolean keepClient() {
        return keepClient;
    }

    /** Whether the machine's connection can be reused after this response. */
    boolean keepUpstream() {
        return keepUpstream;
    }

    /** Whether only the end of the machine's connection ends the response. */
    boolean untilClose() {
        return forwarder != null && forwarder.untilClose();
    }

    /** The new bytes, appended to the partial head from before, if any. */
    ByteBuf joined(ByteBuf in) {
        ByteBuf before = partial;
        partial = null;
        return before == null ? in : ClientChannel.joined(client.allocator(), before, in, 0);
    }

    /** Parses one head; keeps the bytes if it is incomplete. */
    Head head(ByteBuf in) {
        ResponseHead read = client.loop.responseHead;
        byte[] bytes = read.headers.bytes;
        int length = Math.min(in.readableBytes(), bytes.length);
        in.getBytes(in.readerIndex(), bytes, 0, length);
        int end = HeaderBlock.headEnd(bytes, 0, length);
        if (end < 0) {
            if (length == bytes.length) {
                throw new HttpParseException("its head is longer than " + length + " bytes");
            }
            partial = in.readRetainedSlice(in.readableBytes());
            return Head.PARTIAL;
        }
        read.parse(end);
        in.skipBytes(end);
        if (read.interim()) {
            interim(read);
            return Head.INTERIM;
        }
        if (read.status == 101) {
            upgrade(read);
            return Head.UPGRADE;
        }
        begin(read, in.readableBytes());
        return Head.FINAL;
    }

    private void interim(ResponseHead read) {
        if (++interims > MAX_INTERIM) {
            throw new HttpParseException("more than " + MAX_INTERIM + " interim answers");
        }
        if (!request.http10) {
            HeadWriter out = client.loop.out;
            read.rewrite(out, ResponseHead.Connection.SILENT, false, null);
            from.toClient(client, out.toBuffer(client.allocator(), 0));
        }
    }

    private void upgrade(ResponseHead read) {
        if (!request.upgrade) {
            throw new HttpParseException("it switches protocols, which was not asked for");
        }
        HeadWriter out = client.loop.out;
        read.rewrite(out, ResponseHead.Connection.UPGRADE, false, request.id);
        from.toClient(client, out.toBuffer(client.allocator(), 0));
    }

    private void begin(ResponseHead read, int behind) {
        status = read.status;
        BodyFraming body = read.body(request.toHead);
        Compression.Plan plan = Compression.plan(options, read, body, gzip, request.http10);
        keepUpstream = read.keepAlive && request.whole() && !body.untilClose();
        keepClient = request.keepAlive && request.whole() && plan.ends() && !client.loop.closing();
        ResponseHead.Connection connection = !keepClient
                ? ResponseHead.Connection.CLOSE
                : request.http10 ? ResponseHead.Connection.KEEP_ALIVE : ResponseHead.Connection.SILENT;
        HeadWriter out = client.loop.out;
        read.rewrite(out, connection, plan.chunked(), options.pristine() ? null : request.id, plan.changes());
        head = out.toBuffer(client.allocator(), Math.min(behind, JOINED));
        forwarder = new BodyForwarder(body, plan.form(), from, client);
    }

    /** Forwards the body bytes that arrived; returns true when the body is complete. */
    boolean pass(ByteBuf in) {
        BodyForwarder through = Objects.requireNonNull(forwarder);
        ByteBuf first = head;
        head = null;
        through.pass(in, first);
        return through.done();
    }

    /** The machine's connection has ended, and the body with it. */
    void ended() {
        Objects.requireNonNull(forwarder).ended();
    }

    @Override
    public void close() {
        partial = release(partial);
        head = release(head);
        BodyForwarder through = forwarder;
        if (through != null) {
            forwarder = null;
            through.close();
        }
    }

    private static @Nullable ByteBuf release(@Nullable ByteBuf buffer) {
        if (buffer != null) {
            buffer.release();
        }
        return null;
    }
}
