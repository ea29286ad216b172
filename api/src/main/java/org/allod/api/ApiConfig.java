package org.allod.api;

import java.time.Duration;

/**
 * Every limit of the API server other than the rate limits. The Unix socket has its own pool, so that load over TCP
 * cannot keep the host's operator out.
 *
 * @param tcp limits shared by callers over TCP
 * @param local limits shared by callers over the Unix socket
 */
public record ApiConfig(Pool tcp, Pool local, Times times) {
    /** Maximum body: a machine's configuration with its files, 1 MiB of file content in base64 and the rest. */
    static final int MAX_BODY = 4 << 20;

    /** Maximum request line in bytes; a longer one is answered 414. */
    static final int MAX_LINE = 4_096;

    /** Maximum size of all header fields together in bytes; more is answered 431. */
    static final int MAX_FIELDS = 16_384;

    /**
     * The limits of one kind of listener.
     *
     * @param connections concurrent connections; one more is closed as soon as it is accepted
     * @param perAddress of these, from one IPv4 address or one IPv6 /64
     * @param requestsPerCaller requests of one caller in progress, open streams included; one more is answered 429
     * @param bodyBytes request bodies in memory, of all callers
     * @param bodyBytesPerCaller of these, one caller's; beyond it the request is answered 429
     * @param answerBytes responses that clients have not read yet, of all callers
     * @param answerBytesPerCaller of these, one caller's; beyond it the response is a 503
     */
    public record Pool(
            int connections,
            int perAddress,
            int requestsPerCaller,
            long bodyBytes,
            long bodyBytesPerCaller,
            long answerBytes,
            long answerBytesPerCaller) {
        Pool connecting(int all, int address) {
            int requests = Math.max(1, Math.min(requestsPerCaller, all / 4));
            return new Pool(all, address, requests, bodyBytes, bodyBytesPerCaller, answerBytes, answerBytesPerCaller);
        }
    }

    /**
     * Timeouts. They are checked four times a second.
     *
     * @param head from the first byte of a request's head (or from connecting) to its last, however slowly it arrives
     * @param body how long a body may take in addition to the time that {@code bodyRate} grants it
     * @param bodyRate minimum average rate of a body in bytes per second
     * @param keepAlive between requests of one connection
     * @param unread how long a client may read nothing of a pending response
     * @param linger how long a refused client may continue to send before its connection is closed
     */
    public record Times(
            Duration head, Duration body, int bodyRate, Duration keepAlive, Duration unread, Duration linger) {}

    /** The defaults: small beside a heap of 512 MiB, and far above what well-behaved clients use. */
    public static ApiConfig usual() {
        return new ApiConfig(
                new Pool(1_024, 256, 256, 48 << 20, 16 << 20, 96 << 20, 24 << 20),
                new Pool(256, 256, 128, 16 << 20, 8 << 20, 48 << 20, 24 << 20),
                new Times(
                        Duration.ofSeconds(10),
                        Duration.ofSeconds(20),
                        4_096,
                        Duration.ofSeconds(120),
                        Duration.ofSeconds(60),
                        Duration.ofSeconds(1)));
    }

    /** A copy with other limits on connections. */
    public ApiConfig connecting(int overTcp, int perAddress, int overSocket) {
        return new ApiConfig(tcp.connecting(overTcp, perAddress), local.connecting(overSocket, overSocket), times);
    }

    ApiConfig with(Pool otherTcp) {
        return new ApiConfig(otherTcp, local, times);
    }

    ApiConfig with(Times other) {
        return new ApiConfig(tcp, local, other);
    }
}
