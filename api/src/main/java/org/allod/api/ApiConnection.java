package org.allod.api;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.timeout.IdleStateEvent;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.concurrent.RejectedExecutionException;
import org.allod.base.Ids;
import org.jspecify.annotations.Nullable;

/**
 * One client connection. Requests are answered one after the other, in order; while one is at work no further byte is
 * read, so a client cannot pile work up. Belongs to its event loop.
 */
final class ApiConnection extends SimpleChannelInboundHandler<FullHttpRequest> {
    /** The header that names the request, as the interface's clients log it. */
    static final String REQUEST_ID = "fly-request-id";

    private final Dispatcher dispatcher;
    private final Prover prover;
    private final Ids ids;
    private final Optional<Caller> local;
    private final ArrayDeque<Dispatcher.Request> waiting = new ArrayDeque<>();
    private @Nullable Thread worker;
    /** Of the request at work. */
    private boolean keepAlive = true;

    /** The name of the request at work, for its sender and for the log. */
    private String id = "";

    ApiConnection(Dispatcher dispatcher, Prover prover, Ids ids, Optional<Caller> local) {
        this.dispatcher = dispatcher;
        this.prover = prover;
        this.ids = ids;
        this.local = local;
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, FullHttpRequest http) {
        if (http.decoderResult().isFailure()) {
            keepAlive = false;
            id = ids.ulid().toString();
            reply(
                    context,
                    ErrorBody.of(
                            400,
                            "this is not HTTP/1.1: "
                                    + http.decoderResult().cause().getMessage()),
                    "");
            next(context);
            return;
        }
        Dispatcher.Request request = Dispatcher.Request.of(http);
        if (worker == null) {
            work(context, request);
        } else {
            // At most what one read had in it: reading is off while a request is at work.
            waiting.add(request);
        }
    }

    private void work(ChannelHandlerContext context, Dispatcher.Request request) {
        context.channel().config().setAutoRead(false);
        keepAlive = request.keepAlive();
        id = ids.ulid().toString();
        String named = id;
        Caller caller = local.orElseGet(() -> remote(context, request));
        if (caller instanceof Caller.Local(int uid) && uid != 0 && uid != Uid.OWN) {
            finish(
                    context,
                    ErrorBody.of(403, "user " + uid + " may not use this socket; use the TCP address and a token"),
                    request.method().name());
            return;
        }
        worker = Thread.ofVirtual()
                .name("api " + request.method() + " " + request.path())
                .unstarted(() -> {
                    Answer answer = ItemStream.ready(dispatcher.answer(request, caller, named));
                    try {
                        context.executor()
                                .execute(() ->
                                        finish(context, answer, request.method().name()));
                    } catch (RejectedExecutionException closed) {
                        // The server has ended meanwhile, and the connection with it.
                    }
                });
        worker.start();
    }

    private Caller remote(ChannelHandlerContext context, Dispatcher.Request request) {
        String address = ((InetSocketAddress) context.channel().remoteAddress())
                .getAddress()
                .getHostAddress();
        return prover.prove(request.headers().getOrDefault("authorization", ""), address)
                .orElseGet(() -> new Caller.Nobody(address));
    }

    private void finish(ChannelHandlerContext context, Answer answer, String method) {
        worker = null;
        switch (answer) {
            case Answer.Lines lines -> new LineStream(context, lines.writer(), id, () -> next(context)).start();
            case Answer.Items items -> ItemStream.start(context, items, id, () -> next(context));
            case Answer.Upgrade upgrade -> Upgrading.start(context, upgrade, id);
            default -> {
                reply(context, answer, method);
                next(context);
            }
        }
    }

    private void next(ChannelHandlerContext context) {
        if (!keepAlive) {
            context.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
            return;
        }
        Dispatcher.Request request = waiting.poll();
        if (request != null) {
            work(context, request);
        } else {
            context.channel().config().setAutoRead(true);
        }
    }

    private void reply(ChannelHandlerContext context, Answer answer, String method) {
        FullHttpResponse response = switch (answer) {
            case Answer.Json(int status, var body) -> whole(status, "application/json", text(body.toString()));
            case Answer.Ready(int status, var parts) ->
                whole(status, "application/json", ItemStream.buffer(context.alloc(), parts));
            case Answer.Later(Duration after, var body) -> {
                FullHttpResponse later = whole(429, "application/json", text(body.toString()));
                later.headers().set(HttpHeaderNames.RETRY_AFTER, Math.max(1, (after.toMillis() + 999) / 1_000));
                yield later;
            }
            case Answer.Text(int status, String type, String body) -> whole(status, type, text(body));
            case Answer.Empty(int status) -> whole(status, "", Unpooled.EMPTY_BUFFER);
            case Answer.Items _, Answer.Lines _, Answer.Upgrade _ ->
                throw new IllegalArgumentException("not a whole answer");
        };
        if (method.equals("HEAD")) {
            response = response.replace(Unpooled.EMPTY_BUFFER);
        }
        response.headers().set(REQUEST_ID, id);
        HttpUtil.setKeepAlive(response, keepAlive);
        context.writeAndFlush(response);
    }

    private static ByteBuf text(String body) {
        return Unpooled.copiedBuffer(body, StandardCharsets.UTF_8);
    }

    private static FullHttpResponse whole(int status, String type, ByteBuf bytes) {
        FullHttpResponse response =
                new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(status), bytes);
        if (!type.isEmpty()) {
            response.headers().set(HttpHeaderNames.CONTENT_TYPE, type);
        }
        response.headers().set(HttpHeaderNames.CONTENT_LENGTH, bytes.readableBytes());
        if (status == 401) {
            response.headers().set(HttpHeaderNames.WWW_AUTHENTICATE, "Bearer");
        }
        return response;
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        // The client went: whoever waits for it on its behalf stops. What it asked for goes on.
        Thread working = worker;
        if (working != null) {
            working.interrupt();
        }
        context.fireChannelInactive();
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) throws Exception {
        if (event instanceof IdleStateEvent && worker == null) {
            context.close();
        } else {
            super.userEventTriggered(context, event);
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        context.close();
    }
}
