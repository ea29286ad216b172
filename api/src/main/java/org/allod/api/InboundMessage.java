package org.allod.api;

import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;

/** What came from a client: a request, or something that is answered without being one. Answered in the order it came. */
sealed interface InboundMessage {
    /** Whether the connection can be used for another. */
    boolean keepAlive();

    /** The method as it was sent; empty where there is none. */
    String method();

    /**
     * A request that is whole.
     *
     * @param caller who sent it
     * @param held bytes of the budget that are taken for its body
     */
    record Asked(Dispatcher.Request request, Caller caller, long held) implements InboundMessage {
        @Override
        public boolean keepAlive() {
            return request.keepAlive();
        }

        @Override
        public String method() {
            return request.method().name();
        }
    }

    /** Not a request that is looked at. */
    record Unfit(Response response, String method, boolean keepAlive) implements InboundMessage {}

    /** What is said to bytes that are no request. */
    static Response undecoded(Throwable cause) {
        return switch (cause) {
            case TooLongHttpLineException e -> ErrorBody.of(414, "the address is too long: " + e.getMessage());
            case TooLongHttpHeaderException e -> ErrorBody.of(431, "the head is too large: " + e.getMessage());
            default -> ErrorBody.of(400, "this is not HTTP/1.1: " + cause.getMessage());
        };
    }
}
