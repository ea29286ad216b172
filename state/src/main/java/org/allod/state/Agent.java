package org.allod.state;

import java.util.List;
import org.allod.base.Rng;

/**
 * Combines the protocols of one host: membership, broadcast and sync. It takes messages and the time, and puts what is
 * to be done into its {@link Outbox}. The same class runs behind sockets and in the simulator.
 *
 * <p>Thread rule: one thread. Call {@link #tick} at {@link #deadline} or later, and {@link #receive} for each message.
 */
public final class Agent {
    private final long fleet;
    private final Membership membership;
    private final Broadcast broadcast;
    private final Sync sync;
    private long malformed;

    public Agent(
            long fleet,
            HostInfo self,
            long incarnation,
            AgentOptions options,
            Replica replica,
            Outbox out,
            Rng rng,
            long now) {
        this.fleet = fleet;
        membership = new Membership(fleet, self, incarnation, options.membership(), out, rng.fork("membership"), now);
        broadcast = new Broadcast(fleet, membership, replica, options.broadcast(), out, rng.fork("broadcast"), now);
        sync = new Sync(fleet, membership, replica, options.sync(), out, rng.fork("sync"), now);
    }

    public Membership membership() {
        return membership;
    }

    public void join(List<String> seeds, long now) {
        membership.join(seeds, now);
    }

    /**
     * Tells everybody a change set of this host. It must be on the disk: a number that was told is never given out
     * again.
     */
    public void publish(ChangeSet set, long now) {
        broadcast.publish(set, now);
    }

    public long deadline() {
        return Math.min(membership.deadline(), Math.min(broadcast.deadline(), sync.deadline()));
    }

    public void tick(long now) {
        membership.tick(now);
        broadcast.tick(now);
        sync.tick(now);
    }

    /** Takes in one message. One that is not for this fleet or makes no sense is counted and dropped. */
    public void receive(byte[] message, long now) {
        Decoder in = new Decoder(message);
        try {
            int kind = Envelope.kind(in, fleet);
            if (kind < Envelope.PUSH) {
                membership.receive(kind, in, now);
            } else if (kind < Envelope.SYNC_ROOT) {
                broadcast.receive(kind, in, now);
            } else {
                sync.receive(kind, in, now);
            }
        } catch (MalformedMessage e) {
            malformed++;
        }
    }

    /** Whether a message carries a change set or rows: what is counted as a copy. */
    public static boolean carriesChanges(byte[] message) {
        int kind = message[Envelope.KIND_AT];
        return kind == Envelope.PUSH || (kind == Envelope.SYNC_ROWS && message.length > 100);
    }

    /** Messages dropped so far because they made no sense or were of another fleet. */
    public long malformed() {
        return malformed;
    }
}
