package org.allod.edge;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One request and its answer: finds it a machine through its {@link Placement}, passes the body there as the machine
 * takes it and the answer back as the client does, and becomes a plain two-way pipe after an upgrade. Nothing is
 * collected on the way. Belongs to one loop.
 */
final class Exchange implements Seeker, Carried {
    private enum Phase {
        /** Looking for a machine, or waiting for one. */
        PLACING,
        /** The request is on its way; no final answer yet. */
        SENT,
        ANSWERING,
        /** The edge looks for a file, or sends it. */
        FILE,
        TUNNEL,
        DONE
    }

    /** Interim answers to one request; a machine that sends more is broken. */
    private static final int MAX_INTERIM = 16;
    /** Up to this size, the start of a body is copied behind its head, so that both leave in one packet. */
    private static final int JOINED = 4096;

    final ClientConnection client;
    private final Loop loop;
    private final Placement placement;
    private final String id;
    private final String host;
    private final String app;
    private final boolean http10;
    private final boolean toHead;
    private final boolean upgrade;
    private final boolean repeatable;
    private final boolean keepAlive;
    private final RequestHead.Wants wants;
    private final Body requestBody;

    private Phase phase = Phase.PLACING;
    /** What the machine gets; kept until it answers, where it may have to be sent again. */
    private @Nullable ByteBuf head;

    private @Nullable Upstream upstream;
    private @Nullable FileAnswer file;
    /** The start of an answer's head. */
    private @Nullable ByteBuf partial;

    private @Nullable Passage passage;
    private int status;
    private int interims;
    private boolean gzip;
    private boolean keepClient;
    private boolean keepUpstream;
    private boolean unflushed;
    private boolean clientEnded;
    private boolean machineEnded;

    Exchange(ClientConnection client, RequestHead request, ByteBuf head, String id) {
        this.client = client;
        this.loop = client.loop;
        this.head = head;
        this.id = id;
        http10 = request.http10;
        toHead = request.head;
        upgrade = request.upgrade;
        repeatable = request.repeatable && !request.upgrade;
        keepAlive = request.keepAlive;
        wants = request.wants;
        requestBody = request.body();
        host = request.host;
        app = loop.shared.app(host);
        placement = new Placement(this, app, () -> loop.shared.routes().find(app, client.door));
    }

    // Finding a machine.

    void route() {
        if (app.isEmpty()) {
            String domain = loop.shared.config().domain();
            fail(new Answer(
                    Problem.UNKNOWN_HOST,
                    "\"" + HostName.bare(host) + "\" is not the name of an app here",
                    "Apps answer at APP." + domain + ", such as http://hello." + domain
                            + ", and at the names they have a certificate for (allod cert add)"));
            return;
        }
        Route found = loop.shared.routes().find(app, client.door);
        if (found != null && found.app().http().forceHttps() && !client.door.tls()) {
            String port = loop.shared.config().httpsSuffix();
            redirect("https://" + HostName.bare(host) + port + loop.requestHead.path());
            return;
        }
        HttpOptions options = found == null ? HttpOptions.USUAL : found.app().http();
        Optional<Duration> most = options.headTime();
        if (most.isPresent() && client.headTook() > most.get().toNanos()) {
            fail(new Answer(
                    Problem.REQUEST_TIMEOUT,
                    "the request's head took longer than the " + most.get().toSeconds() + " s that app \"" + app
                            + "\" gives it"));
            return;
        }
        gzip = options.compress() && !http10 && Compression.accepted(loop.requestHead.fields.text("accept-encoding"));
        if (found != null && repeatable && !found.app().statics().places().isEmpty()) {
            List<String> paths = found.app().statics().candidates(loop.requestHead.path());
            if (!paths.isEmpty() && loop.requestHead.readsOnly()) {
                phase = Phase.FILE;
                progress();
                file = new FileAnswer(this, loop, found.app(), paths, loop.requestHead.asked(), gzip);
                file.start();
                return;
            }
        }
        placement.start();
    }

    // From a file of the app's image.

    /** There is none, so a machine is asked after all. */
    void noFile() {
        file = null;
        phase = Phase.PLACING;
        placement.start();
    }

    /**
     * @param head but for what it says of the client's connection
     */
    void fileHead(StringBuilder head) {
        keepClient = keepAlive && !loop.closing();
        head.append(!keepClient ? "connection: close\r\n" : http10 ? "connection: keep-alive\r\n" : "");
        filePiece(ByteBufUtil.writeAscii(client.allocator(), head.append("\r\n")));
    }

    void filePiece(ByteBuf piece) {
        progress();
        client.write(piece);
        client.flush();
    }

    void fileSent(int sent) {
        loop.shared.metrics().answered(sent);
        over(keepClient);
    }

    /** The client sees that it has not got all of it. */
    void fileBroken() {
        client.abort();
        cancel();
    }

    boolean toHead() {
        return toHead;
    }

    String id() {
        return id;
    }

    private void redirect(String to) {
        loop.shared.metrics().answered(301);
        boolean keep = keepAlive && !http10 && requestBody.done() && !loop.closing();
        String head =
                "HTTP/1.1 301 Moved Permanently\r\nlocation: " + to + "\r\ncontent-length: 0\r\nvia: 1.1 allod\r\n"
                        + "fly-request-id: " + id + (keep ? "\r\n\r\n" : "\r\nconnection: close\r\n\r\n");
        client.write(ByteBufUtil.writeAscii(client.allocator(), head));
        over(keep);
    }

    @Override
    public ClientConnection client() {
        return client;
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
        return Objects.requireNonNull(head).readableBytes() + client.bufferedBytes();
    }

    @Override
    public void placed(Upstream to) {
        upstream = to;
        to.begin(this);
        phase = Phase.SENT;
        progress();
        ByteBuf first = Objects.requireNonNull(head);
        if (repeatable && to.reused()) {
            to.write(first.retain());
        } else {
            head = null;
            to.write(first);
        }
        unflushed = true;
        client.pause(false);
        fromBuffer();
        if (!client.receiving()) {
            flushUpstream();
        }
    }

    // From the client.

    boolean tunnels() {
        return phase == Phase.TUNNEL;
    }

    /** Passes on what of the client's buffer belongs to this request. */
    void fromBuffer() {
        Upstream to = upstream;
        if (to == null) {
            if (phase == Phase.PLACING) {
                placement.grew(client.bufferedBytes() + (head == null ? 0 : head.readableBytes()));
            }
            return;
        }
        ByteBuf in = client.buffered();
        if (requestBody.done() || in == null || !in.isReadable()) {
            return;
        }
        int count;
        try {
            count = requestBody.accept(in, null);
        } catch (BadMessage bad) {
            drop();
            fail(new Answer(bad.problem(), bad.why()));
            return;
        }
        progress();
        to.write(client.take(count));
        unflushed = true;
        if (!to.writable()) {
            client.pause(true);
        }
    }

    /** In a tunnel: whatever it is. */
    void fromClient(ByteBuf in) {
        Upstream to = Objects.requireNonNull(upstream);
        progress();
        to.write(in);
        unflushed = true;
        if (!to.writable()) {
            client.pause(true);
        }
    }

    void flushUpstream() {
        Upstream to = upstream;
        if (unflushed && to != null) {
            unflushed = false;
            to.flush();
        }
    }

    @Override
    public void upstreamDrained() {
        client.pause(false);
    }

    /** The client will send no more. It may still read; a client that is gone looks just the same at first. */
    void clientEnded() {
        clientEnded = true;
        if (phase == Phase.TUNNEL) {
            progress();
            Upstream to = Objects.requireNonNull(upstream);
            if (machineEnded) {
                end();
                client.abort();
            } else {
                flushUpstream();
                to.shutdownOutput();
            }
        } else if (!requestBody.done()) {
            client.abort();
            cancel();
        } else if (phase != Phase.ANSWERING && phase != Phase.FILE) {
            client.within(loop.shared.config().times().halfClosed());
        }
    }

    /** The client is gone. Its machine need not work for it any longer. */
    void cancel() {
        if (phase != Phase.DONE) {
            end();
        }
    }

    /** Nothing moved for too long. */
    void expired() {
        switch (phase) {
            case PLACING -> {
                if (clientEnded) {
                    client.abort();
                    cancel();
                } else {
                    placement.expired();
                }
            }
            case SENT -> {
                drop();
                if (clientEnded) {
                    client.abort();
                    cancel();
                } else if (requestBody.done()) {
                    fail(new Answer(Problem.ANSWER_TIMEOUT, "the machine took the request and did not answer in time"));
                } else {
                    fail(new Answer(Problem.REQUEST_TIMEOUT, "the request's body did not arrive in time"));
                }
            }
            case ANSWERING, FILE, TUNNEL, DONE -> {
                client.abort();
                cancel();
            }
        }
    }

    // From the machine.

    @Override
    public void fromUpstream(ByteBuf in) {
        ByteBuf data = joined(in);
        try {
            progress();
            while (phase == Phase.SENT && data.isReadable()) {
                if (!answerHead(data)) {
                    partial = data.readRetainedSlice(data.readableBytes());
                    return;
                }
            }
            if (phase == Phase.ANSWERING) {
                pass(data, null);
            } else if (phase == Phase.TUNNEL && data.isReadable()) {
                toClient(data.readRetainedSlice(data.readableBytes()));
            }
        } catch (BadMessage bad) {
            drop();
            if (phase == Phase.SENT) {
                fail(new Answer(Problem.BAD_ANSWER, "the machine's answer is not proper HTTP: " + bad.why()));
            } else {
                client.abort();
                cancel();
            }
        } finally {
            data.release();
        }
    }

    private ByteBuf joined(ByteBuf in) {
        ByteBuf before = partial;
        partial = null;
        return before == null ? in : Client.joined(client.allocator(), before, in, 0);
    }

    /** Handles one head of an answer; false where it is not whole yet. */
    private boolean answerHead(ByteBuf in) {
        ResponseHead answer = loop.responseHead;
        byte[] bytes = answer.fields.bytes;
        int length = Math.min(in.readableBytes(), bytes.length);
        in.getBytes(in.readerIndex(), bytes, 0, length);
        int end = Fields.headEnd(bytes, 0, length);
        if (end < 0) {
            if (length == bytes.length) {
                throw new BadMessage("its head is longer than " + length + " bytes");
            }
            return false;
        }
        answer.parse(end);
        in.skipBytes(end);
        if (answer.interim()) {
            interim(answer);
        } else if (answer.status == 101) {
            upgraded(answer);
        } else {
            answered(answer, in);
        }
        return true;
    }

    private void interim(ResponseHead answer) {
        if (++interims > MAX_INTERIM) {
            throw new BadMessage("more than " + MAX_INTERIM + " interim answers");
        }
        if (!http10) {
            answer.rewrite(loop.out, ResponseHead.Connection.SILENT, false, null);
            toClient(loop.out.toBuffer(client.allocator(), 0));
        }
    }

    private void upgraded(ResponseHead answer) {
        if (!upgrade) {
            throw new BadMessage("it switches protocols, which was not asked for");
        }
        answer.rewrite(loop.out, ResponseHead.Connection.UPGRADE, false, id);
        toClient(loop.out.toBuffer(client.allocator(), 0));
        loop.shared.metrics().answered(101);
        phase = Phase.TUNNEL;
        progress();
        if (client.bufferedBytes() > 0) {
            fromClient(client.take(client.bufferedBytes()));
            flushUpstream();
        }
    }

    private void answered(ResponseHead answer, ByteBuf in) {
        status = answer.status;
        HttpOptions options = placement.options();
        Body body = answer.body(toHead);
        Compression.Plan plan = Compression.plan(options, answer, body, gzip, http10);
        keepUpstream = answer.keepAlive && requestBody.done() && !body.untilClose();
        keepClient = keepAlive && requestBody.done() && plan.ends() && !loop.closing();
        ResponseHead.Connection connection = !keepClient
                ? ResponseHead.Connection.CLOSE
                : http10 ? ResponseHead.Connection.KEEP_ALIVE : ResponseHead.Connection.SILENT;
        answer.rewrite(loop.out, connection, plan.chunked(), options.pristine() ? null : id, plan.changes());
        forgetHead();
        phase = Phase.ANSWERING;
        passage = new Passage(body, plan.form(), client.allocator(), this::toClient);
        pass(in, loop.out.toBuffer(client.allocator(), Math.min(in.readableBytes(), JOINED)));
    }

    /**
     * Passes on what has come of the answer's body.
     *
     * @param out the answer's head, not written yet, or null
     */
    private void pass(ByteBuf in, @Nullable ByteBuf out) {
        Passage through = Objects.requireNonNull(passage);
        through.pass(in, out);
        if (through.done()) {
            finish(keepUpstream && !in.isReadable());
        }
    }

    private void toClient(ByteBuf buffer) {
        Upstream from = Objects.requireNonNull(upstream);
        client.write(buffer);
        from.flushLater(client);
        if (!client.writable()) {
            from.read(false);
        }
    }

    void clientDrained() {
        Upstream from = upstream;
        if (from != null) {
            from.read(true);
        }
        FileAnswer sending = file;
        if (sending != null) {
            sending.next();
        }
    }

    @Override
    public void upstreamEnded(Upstream which) {
        if (phase == Phase.TUNNEL) {
            machineEnded = true;
            progress();
            if (clientEnded) {
                client.flush();
                end();
                client.abort();
            } else {
                client.shutdownOutput();
            }
        } else if (phase == Phase.ANSWERING && passage != null && passage.untilClose()) {
            passage.ended();
            finish(false);
            client.flush();
        } else {
            upstreamGone(which);
        }
    }

    @Override
    public void upstreamGone(Upstream which) {
        if (phase == Phase.SENT && partial == null && interims == 0 && which.reused() && head != null) {
            // It was closed for being idle while our request was on its way: as if it had not been sent.
            drop();
            head.readerIndex(0);
            phase = Phase.PLACING;
            placement.again();
        } else if (phase == Phase.SENT) {
            drop();
            fail(new Answer(
                    Problem.CLOSED_EARLY,
                    "the machine closed the connection before it answered",
                    "Its process may have crashed: see allod machine logs MACHINE"));
        } else {
            client.abort();
            cancel();
        }
    }

    // The end.

    /** Answers in the machine's stead. */
    @Override
    public void fail(Answer answer) {
        loop.shared.metrics().refused(answer.problem());
        boolean keep = keepAlive && !http10 && requestBody.done() && !loop.closing();
        client.write(answer.write(client.allocator(), wants, toHead, !keep, id));
        over(keep);
    }

    /** The edge has answered. */
    private void over(boolean keep) {
        end();
        client.finished(keep);
        if (!client.receiving()) {
            client.flush();
        }
    }

    private void finish(boolean keep) {
        loop.shared.metrics().answered(status);
        Upstream from = Objects.requireNonNull(upstream);
        upstream = null;
        if (keep) {
            from.toPool();
        } else {
            from.close();
        }
        end();
        client.finished(keepClient);
    }

    /** Lets go of the machine's connection, which is of no use any more. */
    private void drop() {
        Upstream from = upstream;
        if (from != null) {
            upstream = null;
            from.close();
        }
    }

    private void end() {
        phase = Phase.DONE;
        drop();
        placement.cancel();
        forgetHead();
        FileAnswer sending = file;
        if (sending != null) {
            file = null;
            sending.cancel();
        }
        Passage through = passage;
        if (through != null) {
            passage = null;
            through.close();
        }
        ByteBuf rest = partial;
        if (rest != null) {
            partial = null;
            rest.release();
        }
    }

    private void forgetHead() {
        ByteBuf held = head;
        if (held != null) {
            head = null;
            held.release();
        }
    }

    private void progress() {
        if (!clientEnded || phase == Phase.ANSWERING || phase == Phase.FILE || phase == Phase.TUNNEL) {
            EdgeConfig.Times times = loop.shared.config().times();
            // Of a tunnel that one side has left, the other usually wants no more either.
            boolean tunnel = phase == Phase.TUNNEL && !clientEnded && !machineEnded;
            Duration idle = placement.options().idle().orElse(tunnel ? times.tunnelIdle() : times.idle());
            client.within(idle);
        }
    }
}
