package org.allod.edge;

import io.netty.buffer.ByteBuf;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One request after its head was read: what must be known of it later, when {@link RequestHead} holds another one, and
 * the head that its machine gets. Belongs to one exchange.
 */
final class PendingRequest {
    final String id;
    /** As the client wrote it. */
    final String host;
    /** The app that the host means, or the empty string. */
    final String app;

    final boolean http10;
    /** Whether its answer has no body. */
    final boolean toHead;

    final boolean upgrade;
    /** Whether it may be sent a second time, where a kept connection turns out to be closed. */
    final boolean repeatable;

    final boolean keepAlive;
    final RequestHead.Wants wants;
    final BodyFraming body;

    /** What the machine gets; kept until it answers, where it may have to be sent again. */
    private @Nullable ByteBuf head;

    /**
     * @param head as its machine gets it; taken over
     */
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

    /** Whether all of it has come. */
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

    /** Whether it can be sent once more, from its start; if so, it is ready for that. */
    boolean rewound() {
        if (head == null) {
            return false;
        }
        head.readerIndex(0);
        return true;
    }

    /** It will not be sent again. */
    void forgetHead() {
        ByteBuf held = head;
        if (held != null) {
            head = null;
            held.release();
        }
    }
}
