package org.allod.edge;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.ChannelInboundHandlerAdapter;
import org.jspecify.annotations.Nullable;

/** A client's connection, whatever it speaks: what its loop does to all of them, and whose load it is part of. */
abstract class Client extends ChannelInboundHandlerAdapter {
    final Loop loop;
    /** In the loop's list of clients. */
    int place;

    /** The machine this connection counts for, where machines count connections. */
    private @Nullable Live pinned;

    Client(Loop loop) {
        this.loop = loop;
    }

    /** Looks at the time. */
    abstract void tick(long now);

    /** The edge goes down: closes where nothing is under way, or in any case. */
    abstract void edgeCloses(boolean now);

    /** Whether nothing is under way on it. */
    abstract boolean idle();

    /** Both in one buffer with room for {@code more}; takes them over. */
    static ByteBuf joined(ByteBufAllocator allocator, ByteBuf before, ByteBuf in, int more) {
        ByteBuf both = allocator.directBuffer(before.readableBytes() + in.readableBytes() + more);
        both.writeBytes(before).writeBytes(in);
        before.release();
        in.release();
        return both;
    }

    @Nullable
    Live pinned() {
        return pinned;
    }

    /** Counts this connection as load of the machine, until it closes or goes elsewhere. */
    boolean pin(Live live, Service service) {
        if (pinned == live) {
            return true;
        }
        unpin();
        if (!live.acquire(service)) {
            return false;
        }
        pinned = live;
        return true;
    }

    void unpin() {
        Live live = pinned;
        if (live != null) {
            pinned = null;
            live.release(loop.now());
            loop.shared.nudgeAll();
        }
    }

    void unpinIdle(Live live) {
        if (pinned == live && idle()) {
            unpin();
        }
    }
}
