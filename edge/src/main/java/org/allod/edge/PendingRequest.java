package org.allod.edge;

import io.netty.buffer.ByteBuf;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One request after its head was parsed: what is needed later, when {@link RequestHead} has been reused, and the head
 * that is sent to its machine. Belongs to one exchange.
 */
final class PendingRequest {
    final String id;
    /** As the client sent it. */
    final String host;
    /** The app that the host refers to, or the empty string. */
    final String app;

    final boolean http10;
    /** Whether its response has no body. */
    final boolean toHead;

    final boolean upgrade;
    /** Whether it may be sent again if a pooled connection turns out to be closed. */
    final boolean repeatable;

    final boolean keepAlive;
    final RequestHead.Wants wants;
    final BodyFraming body;

    /** The head for the machine; kept until the machine answers, in case it must be sent again. */
    private @Nullable ByteBuf head;

    /** @param head as it is sent to the machine; ownership passes to this object */
    PendingRequest(RequestHead read, ByteBuf head, String id, String app) {
        this.head = head;
        this.id = id;
        this.app = app;
        host = read.host;
        http10 = read.http10;
        toHead = read.head;
        upgrade = read.upgrade;
        repeatable = read.repeatable && !read.upgrade;
        keepAlive = read.keepAlive;
        wants = read.wants;
        body = read.body();
    }

    /** Whether all of the request has arrived. */
    boolean whole() {
        return body.done();
    }

    /** How much memory its head takes. */
    int headBytes() {
        return head == null ? 0 : head.readableBytes();
    }

    /** Writes the head to a machine. */
    void sendHead(UpstreamConnection to) {
        ByteBuf first = Objects.requireNonNull(head);
        if (repeatable && to.reused()) {
            to.write(first.retain());
        } else {
            head = null;
            to.write(first);
        }
    }

    /** Rewinds the request to be sent again; returns false if that is not possible. */
    boolean rewound() {
        if (head == null) {
            return false;
        }
        head.readerIndex(0);
        return true;
    }

    /** Releases the head: the request will not be sent again. */
    void forgetHead() {
        ByteBuf held = head;
        if (held != null) {
            head = null;
            held.release();
        }
    }
}
