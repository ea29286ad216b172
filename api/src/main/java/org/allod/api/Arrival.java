package org.allod.api;

import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import org.allod.base.Rejected;

/** What came from a client: a request, or something that is answered without being one. Answered in the order it came. */
sealed interface Arrival {
    /** Whether the connection can be used for another. */
    boolean keepAlive();

    /** The method as it was sent; empty where there is none. */
    String method();

    /** A request. */
    record Asked(Dispatcher.Request request) implements Arrival {
        @Override
        public boolean keepAlive() {
            return request.keepAlive();
        }

        @Override
        public String method() {
            return request.method().name();
        }
    }

    /** Not a request that could be looked at. */
    record Unfit(Answer answer, String method, boolean keepAlive) implements Arrival {}

    /** Reads what the codec made of the bytes, and copies it out of Netty's buffers. */
    static Arrival of(FullHttpRequest http) {
        if (http.decoderResult().isFailure()) {
            return new Unfit(undecoded(http.decoderResult().cause()), "", false);
        }
        String method = http.method().name();
        String encoding = http.headers().get(HttpHeaderNames.CONTENT_ENCODING, "identity");
        if (http.content().isReadable() && !encoding.equalsIgnoreCase("identity")) {
            return new Unfit(
                    ErrorBody.of(415, "content-encoding is \"" + encoding + "\": a body is taken as it is, identity"),
                    method,
                    HttpUtil.isKeepAlive(http));
        }
        try {
            return new Asked(Dispatcher.Request.of(http));
        } catch (Rejected e) {
            return new Unfit(ErrorBody.of(e), method, HttpUtil.isKeepAlive(http));
        }
    }

    private static Answer undecoded(Throwable cause) {
        return switch (cause) {
            case TooLongHttpLineException e -> ErrorBody.of(414, "the address is too long: " + e.getMessage());
            case TooLongHttpHeaderException e -> ErrorBody.of(431, "the head is too large: " + e.getMessage());
            default -> ErrorBody.of(400, "this is not HTTP/1.1: " + cause.getMessage());
        };
    }
}
