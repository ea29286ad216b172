package org.allod.edge;

import io.netty.buffer.ByteBuf;

/**
 * Forwards one request to its machine: the request body goes out as fast as the machine accepts it, the response
 * returns as fast as the client accepts it, and after an upgrade bytes go both ways unparsed. Belongs to one exchange;
 * closed with it.
 */
final class RequestForwarder implements UpstreamListener, AutoCloseable {
    private enum Phase {
        /** The request has been sent; no final response yet. */
        SENT,
        ANSWERING,
        TUNNEL,
        OVER
    }

    private final Exchange exchange;
    private final ClientConnection client;
    private final PendingRequest request;
    private final UpstreamConnection upstream;
    private final HttpOptions options;
    private final ResponseForwarder answer;

    private Phase phase = Phase.SENT;
    private boolean unflushed;
    private boolean machineEnded;

    /**
     * @param options what the request's app says of its port
     * @param gzip whether the client accepts it and the app enables it
     */
    RequestForwarder(Exchange exchange, UpstreamConnection upstream, HttpOptions options, boolean gzip) {
        this.exchange = exchange;
        this.upstream = upstream;
        this.options = options;
        client = exchange.client;
        request = exchange.request;
        answer = new ResponseForwarder(upstream, client, request, options, gzip);
    }

    void start() {
        upstream.begin(this);
        progress();
        request.sendHead(upstream);
        unflushed = true;
        client.pause(false);
        fromBuffer();
        if (!client.receiving()) {
            flush();
        }
    }

    boolean answering() {
        return phase == Phase.ANSWERING;
    }

    boolean tunnels() {
        return phase == Phase.TUNNEL;
    }

    // Bytes from the client.

    /** Forwards the bytes of the client's buffer that belong to this request. */
    void fromBuffer() {
        ByteBuf in = client.buffered();
        if (request.whole() || in == null || !in.isReadable()) {
            return;
        }
        int count;
        try {
            count = request.body.accept(in, null);
        } catch (HttpParseException bad) {
            failOrCut(new ErrorResponse(bad.problem(), bad.why()));
            return;
        }
        fromClient(client.take(count));
    }

    /** Forwards bytes without interpreting them. */
    void fromClient(ByteBuf bytes) {
        progress();
        upstream.write(bytes);
        unflushed = true;
        if (!upstream.writable()) {
            client.pause(true);
        }
    }

    void flush() {
        if (unflushed) {
            unflushed = false;
            upstream.flush();
        }
    }

    @Override
    public void onUpstreamWritable() {
        client.pause(false);
    }

    void clientDrained() {
        upstream.read(true);
    }

    // Bytes from the machine.

    @Override
    public void onUpstreamData(ByteBuf in) {
        ByteBuf data = answer.joined(in);
        try {
            progress();
            while (phase == Phase.SENT && data.isReadable()) {
                switch (answer.head(data)) {
                    case PARTIAL, INTERIM -> {
                        // The final response is still to come.
                    }
                    case UPGRADE -> upgraded();
                    case FINAL -> {
                        request.forgetHead();
                        phase = Phase.ANSWERING;
                    }
                }
            }
            if (phase == Phase.ANSWERING) {
                if (answer.pass(data)) {
                    finish(answer.keepUpstream() && !data.isReadable());
                }
            } else if (phase == Phase.TUNNEL && data.isReadable()) {
                upstream.toClient(client, data.readRetainedSlice(data.readableBytes()));
            }
        } catch (HttpParseException bad) {
            failOrCut(new ErrorResponse(Problem.BAD_ANSWER, "the machine's answer is not proper HTTP: " + bad.why()));
        } finally {
            data.release();
        }
    }

    private void upgraded() {
        client.loop.context.metrics().countResponse(101);
        phase = Phase.TUNNEL;
        progress();
        if (client.bufferedBytes() > 0) {
            fromClient(client.take(client.bufferedBytes()));
            flush();
        }
    }

    // One side ends, or a timeout expires.

    /** The client of a tunnel half-closed its connection. */
    void clientEnded() {
        progress();
        if (machineEnded) {
            exchange.abort();
        } else {
            flush();
            upstream.shutdownOutput();
        }
    }

    @Override
    public void onUpstreamEnd(UpstreamConnection which) {
        if (phase == Phase.TUNNEL) {
            machineEnded = true;
            progress();
            if (client.inputClosed()) {
                client.flush();
                exchange.abort();
            } else {
                client.shutdownOutput();
            }
        } else if (phase == Phase.ANSWERING && answer.untilClose()) {
            answer.ended();
            finish(false);
            client.flush();
        } else {
            onUpstreamLost(which);
        }
    }

    @Override
    public void onUpstreamLost(UpstreamConnection which) {
        if (phase != Phase.SENT) {
            exchange.abort();
        } else if (which.reused() && !answer.begun() && request.rewound()) {
            // The machine closed the idle connection while the request was in transit: treat it as not sent.
            close();
            exchange.again();
        } else {
            fail(new ErrorResponse(
                    Problem.CLOSED_EARLY,
                    "the machine closed the connection before it answered",
                    "Its process may have crashed: see allod machine logs MACHINE"));
        }
    }

    /** The idle timeout expired. */
    void expired() {
        if (phase != Phase.SENT || client.inputClosed()) {
            exchange.abort();
        } else if (request.whole()) {
            fail(new ErrorResponse(Problem.ANSWER_TIMEOUT, "the machine took the request and did not answer in time"));
        } else {
            fail(new ErrorResponse(Problem.REQUEST_TIMEOUT, "the request's body did not arrive in time"));
        }
    }

    /** Data moved: restarts the idle timeout, except for a client that may be gone and has no response yet. */
    private void progress() {
        if (phase == Phase.SENT && client.inputClosed()) {
            return;
        }
        EdgeConfig.Times times = client.loop.context.config().times();
        // When one side of a tunnel has closed, the other is usually finished too.
        boolean tunnel = phase == Phase.TUNNEL && !client.inputClosed() && !machineEnded;
        client.within(options.idle().orElse(tunnel ? times.tunnelIdle() : times.idle()));
    }

    // The end of the exchange.

    /**
     * The machine's response is complete.
     *
     * @param keep whether its connection can carry another request
     */
    private void finish(boolean keep) {
        phase = Phase.OVER;
        if (keep) {
            upstream.toPool();
        } else {
            upstream.close();
        }
        exchange.forwarded(answer.status(), answer.keepClient());
    }

    /**
     * An error response inside a response that has begun would be read as part of it, so that one is cut short instead.
     */
    private void failOrCut(ErrorResponse why) {
        if (phase == Phase.SENT) {
            fail(why);
        } else {
            exchange.abort();
        }
    }

    /** Abandons the machine's connection and answers with an error of the edge. */
    private void fail(ErrorResponse why) {
        close();
        exchange.fail(why);
    }

    @Override
    public void close() {
        if (phase != Phase.OVER) {
            phase = Phase.OVER;
            unflushed = false;
            upstream.close();
        }
        answer.close();
    }
}
