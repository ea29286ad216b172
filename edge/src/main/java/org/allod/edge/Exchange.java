package org.allod.edge;

import io.netty.buffer.ByteBuf;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One {@link PendingRequest} and its answer, on their way through the edge. Follows the {@link RequestPlan} of it: to a word of the
 * edge's own, to a {@link StaticFileHandler}, or by a {@link UpstreamAcquisition} to a machine, where {@link RequestForwarder} takes over.
 * What its client does comes through here; so does the end, whoever brings it. Belongs to one loop.
 */
final class Exchange implements UpstreamRequester {
    final ClientConnection client;
    final PendingRequest request;
    private final EdgeLoop loop;
    private final UpstreamAcquisition acquisition;

    /** Of these two one at most; none while it looks for a machine, or waits for one. */
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

    // From a file of the app's image.

    /** There is none, so a machine is asked after all. */
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

    /** The machine's connection turned out to be closed before it took the request: it gets a new one. */
    void again() {
        forwarding = null;
        acquisition.again();
    }

    // From the client.

    /** Whether what comes is for {@link #fromClient}, unread. */
    boolean tunnels() {
        return forwarding != null && forwarding.tunnels();
    }

    void fromClient(ByteBuf in) {
        Objects.requireNonNull(forwarding).fromClient(in);
    }

    /** Uses what of the client's buffer belongs to this request. */
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

    /** The client will send no more. It may still read; a client that is gone looks just the same at first. */
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

    /** Nothing moved for too long. */
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

    // The end.

    /** The edge answers itself, in a machine's stead. */
    @Override
    public void fail(ErrorResponse answer) {
        loop.context.metrics().countRefusal(answer.problem());
        boolean keep = keepsClient();
        client.write(answer.write(client.allocator(), request.wants, request.toHead, !keep, request.id));
        over(keep);
    }

    /** Whether the client can ask again on its connection, after a word of the edge's own. */
    private boolean keepsClient() {
        return request.keepAlive && !request.http10 && request.whole() && !loop.closing();
    }

    /** The edge has answered, and all of it is written. */
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

    /** The machine has answered; what it wrote is flushed once all it has sent is read. */
    void forwarded(int status, boolean keep) {
        loop.context.metrics().countResponse(status);
        end();
        client.finished(keep);
    }

    /** The client sees that it has not got all of it. */
    void abort() {
        client.abort();
        cancel();
    }

    /** The client is gone. Its machine need not work for it any longer. */
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
