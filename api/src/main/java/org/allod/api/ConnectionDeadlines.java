package org.allod.api;

import io.netty.channel.Channel;
import io.netty.channel.ChannelOutboundBuffer;

/**
 * The deadlines of one connection. A head has an absolute deadline, a body must keep a minimum rate, a response must be
 * read; a request in progress has no deadline. Belongs to the connection's event loop.
 */
final class ConnectionDeadlines {
    /** What the connection waits for. */
    enum Phase {
        /** The first byte of the first request, or the rest of a head. */
        HEAD,
        BODY,
        /** The response to a request: the client decides how long it waits. */
        WORK,
        /** The next request. */
        IDLE,
        /** The end of the bytes that a refused client still sends. */
        LINGER
    }

    private final ApiConfig.Times times;
    private Phase phase = Phase.HEAD;
    private long since;
    private long received;

    /** The unsent bytes of written responses when some were last sent, and the time of that. */
    private long pending;

    private long pendingSince;

    ConnectionDeadlines(ApiConfig.Times times, long now) {
        this.times = times;
        since = now;
    }

    Phase phase() {
        return phase;
    }

    /** When the current wait began. */
    long since() {
        return since;
    }

    void enter(Phase next, long now) {
        phase = next;
        since = now;
        received = 0;
    }

    /** Bytes arrived; those after a complete request belong to the next head. */
    void begun(long now) {
        if (phase == Phase.IDLE) {
            enter(Phase.HEAD, now);
        }
    }

    /** More of a body arrived. */
    void received(int bytes) {
        received += bytes;
    }

    /** Whether the current wait has exceeded its deadline. */
    boolean expired(long now) {
        long allowed = switch (phase) {
            case HEAD -> times.head().toNanos();
            case BODY -> times.body().toNanos() + received * (1_000_000_000L / times.bodyRate());
            case IDLE -> times.keepAlive().toNanos();
            case LINGER -> times.linger().toNanos();
            case WORK -> Long.MAX_VALUE;
        };
        return now - since > allowed;
    }

    /** Whether a written response has not been read from for too long. */
    boolean unread(Channel channel, long now) {
        ChannelOutboundBuffer buffer = channel.unsafe().outboundBuffer();
        long left = buffer == null ? 0 : buffer.totalPendingWriteBytes() - buffer.currentProgress();
        if (left == 0 || left != pending) {
            pending = left;
            pendingSince = now;
            return false;
        }
        return now - pendingSince > times.unread().toNanos();
    }
}
