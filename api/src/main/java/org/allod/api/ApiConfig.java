package org.allod.api;

import java.time.Duration;

/**
 * Every bound of the API's server beside the rate limits. The Unix socket has a pool of its own, so that the host's own
 * operator is served whatever comes over TCP.
 *
 * @param tcp what callers over TCP share
 * @param local what callers by the Unix socket share
 */
public record ApiConfig(Pool tcp, Pool local, Times times) {
    /** A machine's configuration with its files: 1 MiB of file content in base64, and some. */
    static final int MAX_BODY = 4 << 20;

    /** Of a request line; more is 414. */
    static final int MAX_LINE = 4_096;

    /** Of a head's fields together; more is 431. */
    static final int MAX_FIELDS = 16_384;

    /**
     * What one kind of listener may take.
     *
     * @param connections at once; one more is closed as soon as it is accepted
     * @param perAddress of these from one IPv4 address or one IPv6 /64
     * @param requestsPerCaller requests of one caller that are at work, or whose streams are open; one more is a 429
     * @param bodyBytes bodies of requests that are being collected or are at work, of all callers
     * @param bodyBytesPerCaller of these one caller's; beyond it the request is answered 429
     * @param answerBytes answers that their clients have not read yet, of all callers
     * @param answerBytesPerCaller of these one caller's; beyond it the answer is a 503
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
     * How long things may take. They are checked four times a second.
     *
     * @param head from the first byte of a request's head (or from connecting) to its last, however it drips
     * @param body how long a body may take beside what {@code bodyRate} grants it
     * @param bodyRate bytes a second that a body must come with in the long run
     * @param keepAlive between requests of one connection
     * @param unread how long a client may read nothing of an answer that waits for it
     * @param linger how long a client that was refused may go on sending before its connection is cut
     */
    public record Times(
            Duration head, Duration body, int bodyRate, Duration keepAlive, Duration unread, Duration linger) {}

    /** Small beside a heap of 512 MiB, and far above what well-behaved clients take. */
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

    /** This, with other bounds on connections. */
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
