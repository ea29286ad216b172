package org.allod.edge;

import io.netty.buffer.ByteBuf;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One {@link Request} and its answer, on their way through the edge. Follows the {@link Course} of it: to a word of the
 * edge's own, to a {@link FileAnswer}, or by a {@link Placement} to a machine, where {@link Forwarding} takes over.
 * What its client does comes through here; so does the end, whoever brings it. Belongs to one loop.
 */
final class Exchange implements Seeker {
    final ClientConnection client;
    final Request request;
    private final Loop loop;
    private final Placement placement;

    /** Of these two one at most; none while it looks for a machine, or waits for one. */
    private @Nullable FileAnswer file;

    private @Nullable Forwarding forwarding;
    private boolean gzip;
    private boolean over;

    Exchange(ClientConnection client, RequestHead read, ByteBuf head, String id) {
        this.client = client;
        loop = client.loop;
        request = new Request(read, head, id, loop.shared.app(read.host));
        placement = new Placement(this, request.app);
    }

    void start() {
        EdgeConfig config = loop.shared.config();
        switch (Course.of(request, loop.requestHead, route(), client.door.tls(), client.headTook(), config)) {
            case Course.Refuse refuse -> fail(refuse.answer());
            case Course.Redirect redirect -> {
                boolean keep = keepsClient();
                client.write(redirect.write(client.allocator(), !keep, request.id));
                answered(301, keep);
            }
            case Course.File course -> {
                gzip = course.gzip();
                FileAnswer found = new FileAnswer(this, course);
                file = found;
                fileMoved();
                found.start();
            }
            case Course.Machine machine -> {
                gzip = machine.gzip();
                placement.start();
            }
        }
    }

    // From a file of the app's image.

    /** There is none, so a machine is asked after all. */
    void noFile() {
        file = null;
        placement.start();
    }

    void filePiece(ByteBuf piece) {
        fileMoved();
        client.write(piece);
        client.flush();
    }

    private void fileMoved() {
        client.within(loop.shared.config().times().idle());
    }

    // Finding a machine.

    @Override
    public ClientConnection client() {
        return client;
    }

    @Override
    public @Nullable Route route() {
        return loop.shared.routes().find(request.app, client.door);
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
    public void placed(Upstream upstream) {
        Forwarding begun = new Forwarding(this, upstream, placement.options(), gzip);
        forwarding = begun;
        begun.start();
    }

    /** The machine's connection turned out to be closed before it took the request: it gets a new one. */
    void again() {
        forwarding = null;
        placement.again();
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
        Forwarding to = forwarding;
        if (to != null) {
            to.fromBuffer();
        } else if (file == null) {
            placement.grew(heldBytes());
        }
    }

    void flushUpstream() {
        Forwarding to = forwarding;
        if (to != null) {
            to.flush();
        }
    }

    void clientDrained() {
        Forwarding from = forwarding;
        if (from != null) {
            from.clientDrained();
        }
        FileAnswer sending = file;
        if (sending != null) {
            sending.next();
        }
    }

    /** The client will send no more. It may still read; a client that is gone looks just the same at first. */
    void clientEnded() {
        Forwarding with = forwarding;
        if (with != null && with.tunnels()) {
            with.clientEnded();
        } else if (!request.whole()) {
            abort();
        } else if (file == null && (with == null || !with.answering())) {
            client.within(loop.shared.config().times().halfClosed());
        }
    }

    /** Nothing moved for too long. */
    void expired() {
        Forwarding with = forwarding;
        if (with != null) {
            with.expired();
        } else if (file != null || client.inputClosed()) {
            abort();
        } else {
            placement.expired();
        }
    }

    // The end.

    /** The edge answers itself, in a machine's stead. */
    @Override
    public void fail(Answer answer) {
        loop.shared.metrics().refused(answer.problem());
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
        loop.shared.metrics().answered(status);
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
        loop.shared.metrics().answered(status);
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
        Forwarding with = forwarding;
        if (with != null) {
            forwarding = null;
            with.close();
        }
        placement.cancel();
        request.forgetHead();
        FileAnswer sending = file;
        if (sending != null) {
            file = null;
            sending.cancel();
        }
    }
}
