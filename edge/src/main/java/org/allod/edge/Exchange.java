package org.allod.edge;

import io.netty.buffer.ByteBuf;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One {@link PendingRequest} and its response. Follows its {@link RequestPlan}: an error response of the edge, a {@link
 * StaticFileHandler}, or an {@link UpstreamAcquisition} that finds a machine, after which {@link RequestForwarder}
 * takes over. Client events and the end of the exchange pass through here. Belongs to one loop.
 */
final class Exchange implements UpstreamRequester {
    final ClientConnection client;
    final PendingRequest request;
    private final EdgeLoop loop;
    private final UpstreamAcquisition acquisition;

    /**
     * At most one of {@code file} and the forwarder is set; neither while the request looks for a machine or waits for
     * one.
     */
    private @Nullable StaticFileHandler file;

    private @Nullable RequestForwarder forwarding;
    private boolean gzip;
    private boolean over;

    Exchange(ClientConnection client, RequestHead read, ByteBuf head, String id) {
        this.client = client;
        loop = client.loop;
        request = new PendingRequest(read, head, id, loop.context.app(read.host));
        acquisition = new UpstreamAcquisition(this, request.app);
    }

    void start() {
        EdgeConfig config = loop.context.config();
        switch (RequestPlan.of(request, loop.requestHead, route(), client.listener.tls(), client.headTook(), config)) {
            case RequestPlan.Refuse refuse -> fail(refuse.answer());
            case RequestPlan.Redirect redirect -> {
                boolean keep = keepsClient();
                client.write(redirect.write(client.allocator(), !keep, request.id));
                answered(301, keep);
            }
            case RequestPlan.File course -> {
                gzip = course.gzip();
                StaticFileHandler found = new StaticFileHandler(this, course);
                file = found;
                fileMoved();
                found.start();
            }
            case RequestPlan.Machine machine -> {
                gzip = machine.gzip();
                acquisition.start();
            }
        }
    }

    // Serving a file of the app's image.

    /** The file does not exist, so the request goes to a machine. */
    void noFile() {
        file = null;
        acquisition.start();
    }

    void filePiece(ByteBuf piece) {
        fileMoved();
        client.write(piece);
        client.flush();
    }

    private void fileMoved() {
        client.within(loop.context.config().times().idle());
    }

    // Finding a machine.

    @Override
    public ClientConnection client() {
        return client;
    }

    @Override
    public @Nullable AppRoute route() {
        return loop.context.routes().find(request.app, client.listener);
    }

    @Override
    public void deadline(long at) {
        client.deadline(at);
    }

    @Override
    public void pause() {
        client.pause(true);
    }

    @Override
    public int heldBytes() {
        return request.headBytes() + client.bufferedBytes();
    }

    @Override
    public void onAcquired(UpstreamConnection upstream) {
        RequestForwarder begun = new RequestForwarder(this, upstream, acquisition.options(), gzip);
        forwarding = begun;
        begun.start();
    }

    /** The pooled connection turned out to be closed before the machine took the request: dials a new one. */
    void again() {
        forwarding = null;
        acquisition.again();
    }

    // Events of the client.

    /** Whether bytes go to {@link #fromClient} unparsed. */
    boolean tunnels() {
        return forwarding != null && forwarding.tunnels();
    }

    void fromClient(ByteBuf in) {
        Objects.requireNonNull(forwarding).fromClient(in);
    }

    /** Consumes the bytes of the client's buffer that belong to this request. */
    void fromBuffer() {
        RequestForwarder to = forwarding;
        if (to != null) {
            to.fromBuffer();
        } else if (file == null) {
            acquisition.accountBody(heldBytes());
        }
    }

    void flushUpstream() {
        RequestForwarder to = forwarding;
        if (to != null) {
            to.flush();
        }
    }

    void clientDrained() {
        RequestForwarder from = forwarding;
        if (from != null) {
            from.clientDrained();
        }
        StaticFileHandler sending = file;
        if (sending != null) {
            sending.next();
        }
    }

    /** The client half-closed its connection. It may still read; a client that is gone looks the same at first. */
    void clientEnded() {
        RequestForwarder with = forwarding;
        if (with != null && with.tunnels()) {
            with.clientEnded();
        } else if (!request.whole()) {
            abort();
        } else if (file == null && (with == null || !with.answering())) {
            client.within(loop.context.config().times().halfClosed());
        }
    }

    /** The idle timeout expired. */
    void expired() {
        RequestForwarder with = forwarding;
        if (with != null) {
            with.expired();
        } else if (file != null || client.inputClosed()) {
            abort();
        } else {
            acquisition.onDeadline();
        }
    }

    // The end of the exchange.

    /** Answers with an error response of the edge. */
    @Override
    public void fail(ErrorResponse answer) {
        loop.context.metrics().countRefusal(answer.problem());
        boolean keep = keepsClient();
        client.write(answer.write(client.allocator(), request.wants, request.toHead, !keep, request.id));
        over(keep);
    }

    /** Whether the client's connection can be reused after an error response of the edge. */
    private boolean keepsClient() {
        return request.keepAlive && !request.http10 && request.whole() && !loop.closing();
    }

    /** The edge's own response is written completely. */
    void answered(int status, boolean keep) {
        loop.context.metrics().countResponse(status);
        over(keep);
    }

    private void over(boolean keep) {
        end();
        client.finished(keep);
        if (!client.receiving()) {
            client.flush();
        }
    }

    /** The machine's response is complete; it is flushed once everything the client has sent is read. */
    void forwarded(int status, boolean keep) {
        loop.context.metrics().countResponse(status);
        end();
        client.finished(keep);
    }

    /** Cuts the connection, so that the client sees that the response is incomplete. */
    void abort() {
        client.abort();
        cancel();
    }

    /** The client is gone, so its machine need not continue to work for it. */
    void cancel() {
        if (!over) {
            end();
        }
    }

    private void end() {
        over = true;
        RequestForwarder with = forwarding;
        if (with != null) {
            forwarding = null;
            with.close();
        }
        acquisition.cancel();
        request.forgetHead();
        StaticFileHandler sending = file;
        if (sending != null) {
            file = null;
            sending.cancel();
        }
    }
}
