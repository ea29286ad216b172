package org.allod.edge;

import io.netty.buffer.ByteBuf;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What one machine answers to one request, on its way to the client: any interim heads, the final head, and a body
 * passed on as it comes. Nothing is collected but a head that comes in pieces. Belongs to one {@link RequestForwarder}; closed with it.
 */
final class ResponseForwarder implements AutoCloseable {
    /** Interim answers to one request; a machine that sends more is broken. */
    private static final int MAX_INTERIM = 16;
    /** Up to this size, the start of a body is copied behind its head, so that both leave in one packet. */
    private static final int JOINED = 4096;

    /** What has come. */
    enum Head {
        PARTIAL,
        INTERIM,
        /** The protocol that was asked for follows. */
        UPGRADE,
        /** A body follows, though it may be empty. */
        FINAL
    }

    private final UpstreamConnection from;
    private final ClientConnection client;
    private final PendingRequest request;
    private final HttpOptions options;
    private final boolean gzip;

    /** The start of a head. */
    private @Nullable ByteBuf partial;
    /** The final head, until the first of its body goes with it. */
    private @Nullable ByteBuf head;

    private @Nullable BodyForwarder forwarder;
    private int status;
    private int interims;
    private boolean keepClient;
    private boolean keepUpstream;

    /**
     * @param options what the request's app says of answers
     * @param gzip whether the client takes it, and the app wants it
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

    /** Whether anything of it has come. */
    boolean begun() {
        return partial != null || interims > 0 || forwarder != null;
    }

    int status() {
        return status;
    }

    /** Whether the client can ask again on its connection, once the answer is over. */
    boolean keepClient() {
        return keepClient;
    }

    /** Whether the machine's connection can carry another request then. */
    boolean keepUpstream() {
        return keepUpstream;
    }

    /** Only the end of the machine's connection ends it. */
    boolean untilClose() {
        return forwarder != null && forwarder.untilClose();
    }

    /** What came, behind the start of a head that came before. */
    ByteBuf joined(ByteBuf in) {
        ByteBuf before = partial;
        partial = null;
        return before == null ? in : ClientChannel.joined(client.allocator(), before, in, 0);
    }

    /** Reads one head; keeps what there is of it where it is not whole. */
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

    /** Passes on what has come of the body; true where that was the last of it. */
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
        partial = released(partial);
        head = released(head);
        BodyForwarder through = forwarder;
        if (through != null) {
            forwarder = null;
            through.close();
        }
    }

    private static @Nullable ByteBuf released(@Nullable ByteBuf buffer) {
        if (buffer != null) {
            buffer.release();
        }
        return null;
    }
}
