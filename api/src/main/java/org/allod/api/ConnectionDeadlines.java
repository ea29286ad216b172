package org.allod.api;

import io.netty.channel.Channel;
import io.netty.channel.ChannelOutboundBuffer;

/**
 * Until when one connection must have gone on. A head has an absolute deadline, a body must keep a rate, an answer must
 * be read; a request at work has as long as it takes. Belongs to the connection's event loop.
 */
final class ConnectionDeadlines {
    /** What the connection waits for. */
    enum Phase {
        /** The first byte of the first request, or of the rest of a head. */
        HEAD,
        BODY,
        /** The answer to a request: the client's patience decides. */
        WORK,
        /** The next request. */
        IDLE,
        /** The end of what a refused client still sends. */
        LINGER
    }

    private final ApiConfig.Times times;
    private Phase phase = Phase.HEAD;
    private long since;
    private long received;

    /** Of the answers that are written and not sent: what was left when some last went out, and when that was. */
    private long pending;

    private long pendingSince;

    ConnectionDeadlines(ApiConfig.Times times, long now) {
        this.times = times;
        since = now;
    }

    Phase phase() {
        return phase;
    }

    /** Since when it waits for what it waits for. */
    long since() {
        return since;
    }

    void enter(Phase next, long now) {
        phase = next;
        since = now;
        received = 0;
    }

    /** Bytes have come; those behind a whole request are the next one's head. */
    void begun(long now) {
        if (phase == Phase.IDLE) {
            enter(Phase.HEAD, now);
        }
    }

    /** More of a body has come. */
    void received(int bytes) {
        received += bytes;
    }

    /** Whether what the connection waits for is overdue. */
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

    /** Whether an answer is written and the client has read nothing of it for too long. */
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
