package org.allod.api;

import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;

/**
 * A message decoded from a connection: a request, or something that is answered without being one. Messages are
 * answered in order of arrival.
 */
sealed interface InboundMessage {
    /** Whether the connection can be used for another request. */
    boolean keepAlive();

    /** The method as sent; empty if there is none. */
    String method();

    /**
     * A complete request.
     *
     * @param caller the sender
     * @param held bytes of the budget reserved for its body
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

    /** A request that is refused without being dispatched. */
    record Unfit(Response response, String method, boolean keepAlive) implements InboundMessage {}

    /** The response to bytes that are not a valid request. */
    static Response undecoded(Throwable cause) {
        return switch (cause) {
            case TooLongHttpLineException e -> ErrorBody.of(414, "the address is too long: " + e.getMessage());
            case TooLongHttpHeaderException e -> ErrorBody.of(431, "the head is too large: " + e.getMessage());
            default -> ErrorBody.of(400, "this is not HTTP/1.1: " + cause.getMessage());
        };
    }
}
