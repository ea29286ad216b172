package org.allod.api;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.allod.base.RejectedException;
import org.jspecify.annotations.Nullable;

/**
 * Collects requests with their bodies. Everything that can be refused is refused on the head, before a byte of the body
 * is kept: an unauthenticated caller, an unknown expectation, a body that is too large or exceeds the budget. A refusal
 * has the usual error body. Belongs to one connection's event loop.
 */
final class RequestAggregator extends ChannelInboundHandlerAdapter {
    /** A body without Content-Length reserves memory in steps of this size. */
    private static final int STEP = 64 << 10;

    /** Maximum bytes of a refused body that are read and dropped to keep the connection; a longer one closes it. */
    private static final long MOST_DROPPED = 4L * ApiConfig.MAX_BODY;

    private static final byte[] NOTHING = {};

    private final Admission admission;
    private final CallerBudget budget;
    private final ConnectionDeadlines deadlines;

    /** The request whose body is being collected. */
    private Dispatcher.@Nullable Request head;

    private Caller caller = new Caller.Nobody("");
    private byte[] body = NOTHING;
    private int length;
    private long taken;
    private long dropped;
    private boolean ended;

    /** Authenticates the sender of a request and decides whether it may proceed. */
    interface Admission {
        Caller caller(String authorization);

        /**
         * The response to this caller instead of the normal one, after which the connection ends; empty if the request
         * may proceed.
         *
         * @param segments of the path; empty if the target is not a path
         */
        Optional<Response> refusal(Caller caller, HttpMethod method, List<String> segments, boolean body);

        /** Monotonic nanoseconds. */
        long now();
    }

    RequestAggregator(Admission admission, CallerBudget budget, ConnectionDeadlines deadlines) {
        this.admission = admission;
        this.budget = budget;
        this.deadlines = deadlines;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        try {
            if (ended) {
                return;
            }
            if (message instanceof HttpRequest request) {
                begin(context, request);
            }
            if (message instanceof HttpContent content && !ended) {
                part(context, content);
            }
        } finally {
            ReferenceCountUtil.release(message);
        }
    }

    private void begin(ChannelHandlerContext context, HttpRequest request) {
        dropped = 0;
        if (request.decoderResult().isFailure()) {
            end(context, InboundMessage.undecoded(request.decoderResult().cause()), "");
            return;
        }
        boolean chunked = HttpUtil.isTransferEncodingChunked(request);
        long announced = HttpUtil.getContentLength(request, 0L);
        boolean hasBody = chunked || announced > 0;
        String method = request.method().name();
        Optional<Dispatcher.Request> read = Optional.empty();
        Optional<Response> unfit = Optional.empty();
        try {
            read = Optional.of(Dispatcher.Request.of(request));
        } catch (RejectedException e) {
            unfit = Optional.of(ErrorBody.of(e));
        }
        caller = admission.caller(request.headers().get(HttpHeaderNames.AUTHORIZATION, ""));
        List<String> segments = read.map(Dispatcher.Request::segments).orElse(List.of());
        Optional<Response> refusal = admission.refusal(caller, request.method(), segments, hasBody);
        if (refusal.isPresent()) {
            end(context, refusal.get(), method);
            return;
        }
        String expectation = request.headers().get(HttpHeaderNames.EXPECT, "");
        if (!expectation.isEmpty() && !HttpHeaderValues.CONTINUE.contentEqualsIgnoreCase(expectation)) {
            end(context, ErrorBody.of(417, "the expectation is not supported: only 100-continue is"), method);
            return;
        }
        deadlines.enter(ConnectionDeadlines.Phase.BODY, admission.now());
        unfit = unfit.or(() -> unfit(request, hasBody, announced));
        if (unfit.isPresent()) {
            boolean close = announced > MOST_DROPPED || !expectation.isEmpty();
            refuse(context, unfit.get(), method, HttpUtil.isKeepAlive(request) && !close);
            return;
        }
        head = read.orElseThrow();
        if (!expectation.isEmpty() && hasBody) {
            context.writeAndFlush(new DefaultFullHttpResponse(
                    HttpVersion.HTTP_1_1, HttpResponseStatus.CONTINUE, Unpooled.EMPTY_BUFFER));
        }
    }

    private Optional<Response> unfit(HttpRequest request, boolean hasBody, long announced) {
        String encoding = request.headers().get(HttpHeaderNames.CONTENT_ENCODING, "identity");
        if (hasBody && !encoding.equalsIgnoreCase("identity")) {
            return Optional.of(ErrorBody.of(
                    415,
                    "content-encoding is \"" + encoding
                            + "\", which is not supported: send the body without an encoding (identity)"));
        }
        if (announced > ApiConfig.MAX_BODY) {
            return Optional.of(tooLarge());
        }
        return take(announced) ? Optional.empty() : Optional.of(tooMuch());
    }

    private static Response tooLarge() {
        return ErrorBody.of(413, "the body is too large: at most %d bytes are accepted".formatted(ApiConfig.MAX_BODY));
    }

    private static Response tooMuch() {
        return ErrorBody.later(
                Duration.ofSeconds(1),
                "too many request bodies are in progress; repeat this request when others have been answered");
    }

    private boolean take(long bytes) {
        if (!budget.take(caller, bytes)) {
            return false;
        }
        taken += bytes;
        return true;
    }

    private void part(ChannelHandlerContext context, HttpContent content) {
        Dispatcher.Request of = head;
        if (of == null) {
            drop(context, content);
            return;
        }
        if (content.decoderResult().isFailure()) {
            end(
                    context,
                    InboundMessage.undecoded(content.decoderResult().cause()),
                    of.method().name());
            return;
        }
        ByteBuf bytes = content.content();
        deadlines.received(bytes.readableBytes());
        int wanted = length + bytes.readableBytes();
        Optional<Response> unfit = wanted > ApiConfig.MAX_BODY
                ? Optional.of(tooLarge())
                : wanted > taken && !take(Math.max(STEP, wanted - taken)) ? Optional.of(tooMuch()) : Optional.empty();
        if (unfit.isPresent()) {
            refuse(context, unfit.get(), of.method().name(), of.keepAlive());
            drop(context, content);
            return;
        }
        if (wanted > body.length) {
            body = Arrays.copyOf(body, capacity(wanted));
        }
        bytes.readBytes(body, length, wanted - length);
        length = wanted;
        if (content instanceof LastHttpContent) {
            whole(context, of);
        }
    }

    /** Doubles the buffer, so that a body in many pieces is not copied for each, but never beyond what was reserved. */
    private int capacity(int wanted) {
        return (int) Math.max(wanted, Math.min(taken, Math.max(2L * body.length, 512)));
    }

    private void whole(ChannelHandlerContext context, Dispatcher.Request of) {
        byte[] collected = length == body.length ? body : Arrays.copyOf(body, length);
        long held = taken;
        reset();
        context.fireChannelRead(new InboundMessage.Asked(of.with(collected), caller, held));
    }

    /** Responds now; the rest of the body is dropped as it arrives, so that the connection stays usable. */
    private void refuse(ChannelHandlerContext context, Response response, String method, boolean keep) {
        giveBack();
        reset();
        ended = !keep;
        context.fireChannelRead(new InboundMessage.Unfit(response, method, keep));
        if (keep) {
            deadlines.enter(ConnectionDeadlines.Phase.BODY, admission.now());
        }
    }

    private void drop(ChannelHandlerContext context, HttpContent content) {
        int bytes = content.content().readableBytes();
        deadlines.received(bytes);
        dropped += bytes;
        if (ended) {
            return;
        }
        if (dropped > MOST_DROPPED || content.decoderResult().isFailure()) {
            ended = true;
            context.close();
        } else if (content instanceof LastHttpContent) {
            deadlines.enter(ConnectionDeadlines.Phase.IDLE, admission.now());
        }
    }

    /** Responds, and discards everything that still arrives. */
    private void end(ChannelHandlerContext context, Response response, String method) {
        giveBack();
        reset();
        ended = true;
        context.fireChannelRead(new InboundMessage.Unfit(response, method, false));
    }

    private void giveBack() {
        budget.give(caller, taken);
        taken = 0;
    }

    private void reset() {
        head = null;
        body = NOTHING;
        length = 0;
        taken = 0;
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        ended = true;
        giveBack();
        reset();
        context.fireChannelInactive();
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
        giveBack();
        reset();
    }
}
