package org.allod.state;

import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import org.allod.base.Rng;
import org.jspecify.annotations.Nullable;

/**
 * Anti-entropy: makes two hosts equal, whatever broadcast lost and however long one of them was away. A host compares
 * one hash with a random other host; if it differs, 64 hashes; if some of these differ, what both have seen of the
 * sites in those buckets. Then it pulls: the other host lists the rows that were partly written by a change set that
 * the puller lacks, and sends them page by page <em>as they are at the time of sending</em>. Only with the last page
 * does the puller record as seen what the other host had when the session began. Because of this order the record is
 * correct although rows are overwritten meanwhile (docs/state.md).
 *
 * <p>A reducer. Thread rule: one thread. A host has at most one pull of its own under way and serves a few.
 */
public final class Sync {
    private static final int TRIES = 3;

    private static final class Served {
        final VersionVector had;
        long usedAt;

        @Nullable
        List<Replica.RowRef> refs;

        @Nullable
        VersionVector without;

        @Nullable
        BitSet buckets;

        /** The last page was sent; it may have to be sent again. */
        boolean done;

        Served(VersionVector had, long now) {
            this.had = had;
            this.usedAt = now;
        }
    }

    private static final class Pull {
        final String from;
        final long session;
        final SyncDigest theirs;
        long page = -1;
        int tries;
        long at;

        Pull(String from, long session, SyncDigest theirs, long at) {
            this.from = from;
            this.session = session;
            this.theirs = theirs;
            this.at = at;
        }
    }

    private final long fleet;
    private final Membership membership;
    private final Replica replica;
    private final SyncOptions options;
    private final Outbox out;
    private final Rng rng;
    private final LinkedHashMap<Long, Served> served = new LinkedHashMap<>();
    private @Nullable Pull pull;
    private long nextAt;

    Sync(long fleet, Membership membership, Replica replica, SyncOptions options, Outbox out, Rng rng, long now) {
        this.fleet = fleet;
        this.membership = membership;
        this.replica = replica;
        this.options = options;
        this.out = out;
        this.rng = rng;
        nextAt = now + rng.nextLong(options.every().toNanos());
    }

    long deadline() {
        Pull pulling = pull;
        return pulling == null ? nextAt : Math.min(nextAt, pulling.at);
    }

    void tick(long now) {
        Pull pulling = pull;
        if (pulling != null && pulling.at <= now) {
            askAgain(pulling, now);
        }
        if (nextAt <= now) {
            nextAt = now
                    + options.every().toNanos() / 2
                    + rng.nextLong(options.every().toNanos());
            served.values().removeIf(s -> now - s.usedAt > options.sessionIdle().toNanos());
            List<Member> peers = membership.random(1, null);
            if (pull == null && !peers.isEmpty()) {
                Encoder message = open(Envelope.SYNC_ROOT);
                message.fixed(SyncDigest.of(replica.seen()).root());
                out.send(peers.getFirst().host().address(), message.bytes());
            }
        }
    }

    private Encoder open(int kind) {
        return Envelope.open(fleet, kind).text(membership.self().address());
    }

    private void askAgain(Pull pulling, long now) {
        if (pulling.tries++ >= TRIES) {
            pull = null;
            return;
        }
        pulling.at = now + options.answerWithin().toNanos();
        if (pulling.page >= 0) {
            out.send(
                    pulling.from,
                    open(Envelope.SYNC_NEXT)
                            .fixed(pulling.session)
                            .number(pulling.page)
                            .bytes());
            return;
        }
        BitSet buckets = SyncDigest.of(replica.seen()).differing(pulling.theirs);
        if (buckets.isEmpty()) {
            pull = null;
            return;
        }
        Encoder message = open(Envelope.SYNC_PULL).fixed(pulling.session);
        long[] words = buckets.toLongArray();
        message.fixed(words.length == 0 ? 0 : words[0]);
        ChangeCodec.vector(message, SyncDigest.within(replica.seen(), buckets));
        out.send(pulling.from, message.bytes());
    }

    void receive(int kind, Decoder in, long now) {
        String from = in.text();
        switch (kind) {
            case Envelope.SYNC_ROOT -> root(from, in.fixed(), now);
            case Envelope.SYNC_BUCKETS -> buckets(from, in, now);
            case Envelope.SYNC_PULL -> pulled(from, in, now);
            case Envelope.SYNC_NEXT -> page(from, in.fixed(), in.number(), now);
            default -> rows(in, now);
        }
    }

    private void root(String from, long theirs, long now) {
        VersionVector seen = replica.seen();
        SyncDigest mine = SyncDigest.of(seen);
        if (mine.root() == theirs) {
            return;
        }
        while (served.size() >= options.sessions() * 4) {
            served.pollFirstEntry();
        }
        long session = rng.nextLong();
        served.put(session, new Served(new VersionVector(seen), now));
        Encoder message = open(Envelope.SYNC_BUCKETS).fixed(session);
        for (long bucket : mine.buckets()) {
            message.fixed(bucket);
        }
        out.send(from, message.bytes());
    }

    private void buckets(String from, Decoder in, long now) {
        long session = in.fixed();
        long[] buckets = new long[SyncDigest.BUCKETS];
        for (int i = 0; i < buckets.length; i++) {
            buckets[i] = in.fixed();
        }
        if (pull == null) {
            pull = new Pull(
                    from,
                    session,
                    new SyncDigest(buckets),
                    now + options.grace().toNanos());
        }
    }

    private void pulled(String from, Decoder in, long now) {
        long session = in.fixed();
        BitSet buckets = BitSet.valueOf(new long[] {in.fixed()});
        VersionVector theirs = ChangeCodec.vector(in);
        Served serving = served.get(session);
        if (serving == null) {
            return;
        }
        if (serving.refs == null) {
            if (!makeRoom()) {
                return;
            }
            VersionVector without = new VersionVector(theirs);
            BitSet equal = (BitSet) buckets.clone();
            equal.flip(0, SyncDigest.BUCKETS);
            without.addAll(SyncDigest.within(serving.had, equal));
            boolean nothing = without.containsAll(serving.had);
            serving.refs = nothing ? List.of() : replica.missingFrom(without);
            serving.without = without;
            serving.buckets = buckets;
        }
        page(from, session, 0, now);
    }

    /** Lists of rows are what a session costs: those of a few are kept. Who gets none asks again, or somebody else. */
    private boolean makeRoom() {
        int active = 0;
        int kept = 0;
        for (Served serving : served.values()) {
            kept += serving.refs != null ? 1 : 0;
            active += serving.refs != null && !serving.done ? 1 : 0;
        }
        if (kept >= 2 * options.sessions()) {
            served.values().removeIf(serving -> serving.done);
        }
        return active < options.sessions();
    }

    private void page(String from, long session, long number, long now) {
        Served serving = served.get(session);
        if (serving == null || serving.refs == null || serving.without == null || serving.buckets == null) {
            return;
        }
        serving.usedAt = now;
        if (number < 0 || number > serving.refs.size() / options.pageRows()) {
            return;
        }
        long start = number * options.pageRows();
        int end = (int) Math.min(serving.refs.size(), start + options.pageRows());
        boolean last = end == serving.refs.size();
        Encoder message = open(Envelope.SYNC_ROWS).fixed(session).number(number).octet(last ? 1 : 0);
        ChangeCodec.rows(message, replica.rows(serving.refs.subList((int) start, end), serving.without));
        if (last) {
            serving.done = true;
            ChangeCodec.vector(message, SyncDigest.within(serving.had, serving.buckets));
        }
        out.send(from, message.bytes());
    }

    private void rows(Decoder in, long now) {
        long session = in.fixed();
        long number = in.number();
        boolean last = in.octet() == 1;
        Pull pulling = pull;
        if (pulling == null || pulling.session != session || number != Math.max(pulling.page, 0)) {
            return;
        }
        List<RowChange> rows = ChangeCodec.rows(in);
        if (!rows.isEmpty()) {
            out.merge(rows);
        }
        if (last) {
            out.claim(ChangeCodec.vector(in));
            pull = null;
            // There was something to catch up with, so there may be more: at once, from another.
            nextAt = rows.isEmpty() ? nextAt : now;
            return;
        }
        pulling.page = number + 1;
        pulling.tries = 0;
        askAgain(pulling, now);
    }
}
