package org.allod.runtime;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Decides what a guest may send next: the state of the protocol, and how much of each window is left. A frame that it
 * may not send closes the link. So a guest sends nothing unsolicited, and the windows bound what the host buffers for
 * one guest.
 *
 * <p>Pure bookkeeping; the owner guards it with a lock.
 */
final class ChannelFlowControl {
    private static final class Entry {
        final long[] window = {0, GuestProtocol.STREAM_WINDOW, GuestProtocol.STREAM_WINDOW};
        final boolean[] ended = new boolean[3];
        long inputOut;
    }

    private final long nonce;
    private final Map<Integer, Entry> commands = new HashMap<>();
    private int lastId = GuestProtocol.MAIN;
    private boolean greeted;
    private boolean mainExited;
    private long position;
    private long acknowledged;
    /** Where the last gap ends. Until that is acknowledged there may be no other gap, however small. */
    private long gapEnd;
    /** Bytes that may still be in transit for commands that are closed on the host's side. */
    private long stale;

    private int pings;
    private int starts;
    private int releases;
    private int volumes;

    ChannelFlowControl(long nonce) {
        this.nonce = nonce;
    }

    /** Records a frame that is about to be sent. */
    void sent(HostFrame frame) {
        switch (frame) {
            case HostFrame.Run r -> {
                lastId = Math.max(lastId, r.id());
                commands.put(r.id(), new Entry());
            }
            case HostFrame.Input i -> {
                Entry entry = commands.get(i.id());
                if (entry != null) {
                    entry.inputOut += i.bytes().length;
                }
            }
            case HostFrame.Credit c -> {
                Entry entry = commands.get(c.id());
                if (entry != null) {
                    entry.window[c.stream()] += c.bytes();
                }
            }
            case HostFrame.Close c -> forget(c.id());
            case HostFrame.Ack a -> acknowledged = Math.max(acknowledged, a.position());
            case HostFrame.Ping _ -> pings++;
            case HostFrame.Start _ -> starts++;
            case HostFrame.Release _ -> releases++;
            case HostFrame.Volume _ -> volumes++;
            case HostFrame.Hello _,
                    HostFrame.Config _,
                    HostFrame.InputEnd _,
                    HostFrame.Resize _,
                    HostFrame.Signal _,
                    HostFrame.ExitTaken _ -> {}
        }
    }

    /**
     * Checks a received frame. Returns false if it belongs to a command that is closed here and must be ignored.
     *
     * @throws ProtocolViolationException if the guest may not send this frame now
     */
    boolean admit(GuestFrame frame) {
        if (!greeted && !(frame instanceof GuestFrame.Welcome)) {
            throw new ProtocolViolationException("spoke before the greeting");
        }
        return switch (frame) {
            case GuestFrame.Welcome w -> {
                check(!greeted, "a second greeting");
                check(w.nonce() == nonce, "a greeting meant for somebody else");
                greeted = true;
                position = w.position();
                acknowledged = position;
                gapEnd = position;
                yield true;
            }
            case GuestFrame.Started _ -> {
                check(starts-- > 0, "a start nobody asked for");
                yield true;
            }
            case GuestFrame.Output o -> {
                check(o.position() == position, "output at " + o.position() + ", not " + position);
                position += o.bytes().length;
                check(position - acknowledged <= GuestProtocol.OUTPUT_WINDOW, "more output than its window");
                yield true;
            }
            case GuestFrame.Lost l -> {
                check(l.position() == position && l.count() > 0, "a gap at " + l.position() + ", not " + position);
                check(position - acknowledged < GuestProtocol.OUTPUT_WINDOW, "more output than its window");
                check(acknowledged >= gapEnd, "a second gap before the last one was acknowledged");
                position += l.count();
                check(position < 1L << 62, "a gap of " + l.count());
                gapEnd = position;
                yield true;
            }
            case GuestFrame.Data d -> {
                Entry entry = entry(d.id(), d.bytes().length);
                if (entry == null) {
                    yield false;
                }
                check(!entry.ended[d.stream()], "data after its end");
                entry.window[d.stream()] -= d.bytes().length + GuestProtocol.FRAME_COST;
                check(entry.window[d.stream()] >= 0, "more data than its window");
                yield true;
            }
            case GuestFrame.DataEnd d -> {
                Entry entry = entry(d.id(), 0);
                if (entry == null) {
                    yield false;
                }
                check(!entry.ended[d.stream()], "a second end");
                entry.ended[d.stream()] = true;
                yield true;
            }
            case GuestFrame.Grant g -> {
                Entry entry = entry(g.id(), 0);
                if (entry == null) {
                    yield false;
                }
                entry.inputOut -= g.bytes();
                check(g.bytes() > 0 && entry.inputOut >= 0, "a grant of " + g.bytes() + " bytes");
                yield true;
            }
            case GuestFrame.Exited e
            when e.id() == GuestProtocol.MAIN -> {
                check(!mainExited, "a second exit");
                mainExited = true;
                yield true;
            }
            case GuestFrame.Exited e -> {
                Entry entry = entry(e.id(), 0);
                if (entry != null) {
                    forget(e.id());
                }
                yield entry != null;
            }
            case GuestFrame.Pong _ -> {
                check(pings-- > 0, "an answer nobody asked for");
                yield true;
            }
            case GuestFrame.Released _ -> {
                check(releases-- > 0, "a leave nobody asked for");
                yield true;
            }
            case GuestFrame.VolumeState _ -> {
                check(volumes-- > 0, "the state of a volume nobody asked for");
                yield true;
            }
            case GuestFrame.Fault f -> throw new ProtocolViolationException("the guest did not understand: " + f.why());
        };
    }

    /** The position up to which the main process's output has arrived. */
    long position() {
        return position;
    }

    private void forget(int id) {
        if (commands.remove(id) != null) {
            stale += 2L * GuestProtocol.STREAM_WINDOW + 64 * GuestProtocol.FRAME_COST;
        }
    }

    private @Nullable Entry entry(int id, int bytes) {
        Entry entry = commands.get(id);
        if (entry == null) {
            stale -= bytes + GuestProtocol.FRAME_COST;
            check(
                    id > GuestProtocol.MAIN && id <= lastId && stale >= 0,
                    "about command " + id + ", which does not run");
        }
        return entry;
    }

    private static void check(boolean holds, String otherwise) {
        if (!holds) {
            throw new ProtocolViolationException(otherwise);
        }
    }
}
