package org.allod.state;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.allod.base.Rng;
import org.jspecify.annotations.Nullable;

/**
 * Brings change sets to all hosts: immediately along a tree, and by announcements and requests for what the tree lost,
 * as in Plumtree (Leitão et al. 2007). The tree is not learned from duplicates; each host computes it from its view of
 * the members. The origin sends to one host of each region, which is the root of a tree over its region's ring, and
 * every host computes its own position. So in a stable fleet each host receives each change set once. While views
 * differ, a host may be left out or receive a change set twice; announcements repair the former. (docs/decisions/203)
 *
 * <p>A reducer; belongs to one thread.
 */
public final class Broadcast {
    /** The receiver is the root of its region. */
    private static final int TO_REGION = 0;
    /** The receiver finds its place in the tree of its region below the root that is named. */
    private static final int IN_REGION = 1;
    /** The receiver asked for it. */
    private static final int ASKED = 2;
    /** The receiver is the root of its region where the first does not turn out to be. */
    private static final int STANDBY = 3;
    /** Dots in one announcement: with 20 bytes each, a datagram. */
    private static final int DOTS = 56;
    /** Announcements at once; what is left waits for the next time. */
    private static final int BATCHES = 8;
    /** How often somebody is asked for one change set before it is left to sync. */
    private static final int TRIES = 5;

    private static final class Kept {
        final byte[] payload;
        int announced;

        Kept(byte[] payload) {
            this.payload = payload;
        }
    }

    private static final class Wanted {
        final List<String> from = new ArrayList<>();
        long at;
        int tries;
    }

    private final long fleet;
    private final Membership membership;
    private final Replica replica;
    private final BroadcastOptions options;
    private final Outbox out;
    private final Rng rng;
    private final Regions regions;
    private final LinkedHashMap<Dot, Kept> kept = new LinkedHashMap<>();
    private final LinkedHashMap<Dot, Kept> toAnnounce = new LinkedHashMap<>();
    private final TreeMap<Dot, Wanted> wanted = new TreeMap<>();
    /** Change sets for which this host is second root of its region, and when it takes the first for lost. */
    private final TreeMap<Dot, Long> standby = new TreeMap<>();

    private long keptBytes;
    private long announceAt;

    Broadcast(
            long fleet,
            Membership membership,
            Replica replica,
            BroadcastOptions options,
            Outbox out,
            Rng rng,
            long now) {
        this.fleet = fleet;
        this.membership = membership;
        this.replica = replica;
        this.options = options;
        this.out = out;
        this.rng = rng;
        this.regions = new Regions(membership);
        announceAt = now;
    }

    /** Sends a change set of this host, which is on its disk, to everybody. */
    void publish(ChangeSet set, long now) {
        byte[] payload = ChangeCodec.encode(set);
        keep(set.dot(), payload, now);
        String own = membership.self().region();
        for (Map.Entry<String, Regions.Ring> region : regions.rings().entrySet()) {
            if (!region.getKey().equals(own)) {
                HostInfo root = root(region.getValue(), set.dot(), 0);
                out.send(root.address(), push(TO_REGION, root.id(), payload));
                HostInfo second = root(region.getValue(), set.dot(), 1);
                if (!second.equals(root)) {
                    out.send(second.address(), push(STANDBY, second.id(), payload));
                }
            }
        }
        passOn(membership.self().id(), payload);
    }

    /** The one host of a region that gets it first: another for each change set, and not one that is suspected. */
    private HostInfo root(Regions.Ring ring, Dot dot, int from) {
        int start = from
                + (int) Long.remainderUnsigned(
                        dot.site().mix(dot.number()), ring.hosts().size());
        for (int i = 0; i < ring.hosts().size(); i++) {
            HostInfo host = ring.hosts().get((start + i) % ring.hosts().size());
            if (!regions.suspected(host)) {
                return host;
            }
        }
        return ring.hosts().get(start % ring.hosts().size());
    }

    private byte[] push(int how, SiteId root, byte[] payload) {
        return Envelope.open(fleet, Envelope.PUSH)
                .octet(how)
                .site(root)
                .blob(payload)
                .bytes();
    }

    private void passOn(SiteId root, byte[] payload) {
        Regions.Ring ring = regions.own();
        int rootAt = ring.index(root);
        int selfAt = ring.index(membership.self().id());
        if (rootAt < 0 || selfAt < 0) {
            return;
        }
        int size = ring.hosts().size();
        passOn(ring, rootAt, Math.floorMod(selfAt - rootAt, size), push(IN_REGION, root, payload));
    }

    /** To the children of a place in the tree; for a child that may be dead, to its children as well. */
    private void passOn(Regions.Ring ring, int rootAt, int place, byte[] message) {
        int size = ring.hosts().size();
        long first = (long) place * options.fanOut() + 1;
        for (long child = first; child < first + options.fanOut() && child < size; child++) {
            HostInfo host = ring.hosts().get((int) ((rootAt + child) % size));
            out.send(host.address(), message);
            if (regions.suspected(host)) {
                passOn(ring, rootAt, (int) child, message);
            }
        }
    }

    void receive(int kind, Decoder in, long now) {
        switch (kind) {
            case Envelope.PUSH -> pushed(in, now);
            case Envelope.HAVE -> announced(in, now);
            default -> asked(in);
        }
    }

    private void pushed(Decoder in, long now) {
        int how = in.octet();
        SiteId root = in.site();
        byte[] payload = in.blob();
        ChangeSet set = ChangeCodec.decodeSet(payload);
        wanted.remove(set.dot());
        // Held back so far: what comes now gives this host its place in the tree.
        boolean waiting = standby.remove(set.dot()) != null;
        boolean fresh = !known(set.dot());
        if (fresh) {
            keep(set.dot(), payload, now);
        }
        if (fresh || waiting) {
            switch (how) {
                case TO_REGION -> passOn(membership.self().id(), payload);
                case IN_REGION -> passOn(root, payload);
                case STANDBY ->
                    standby.put(set.dot(), now + options.standbyFor().toNanos());
                default -> {
                    // Asked for: others have it already.
                }
            }
        }
        if (fresh) {
            out.deliver(set);
        }
    }

    private boolean known(Dot dot) {
        return kept.containsKey(dot) || replica.seen().contains(dot);
    }

    private void keep(Dot dot, byte[] payload, long now) {
        Kept entry = new Kept(payload);
        kept.put(dot, entry);
        keptBytes += payload.length;
        while (kept.size() > options.kept() || keptBytes > options.keptBytes()) {
            var oldest = kept.pollFirstEntry();
            keptBytes -= oldest.getValue().payload.length;
            toAnnounce.remove(oldest.getKey());
        }
        if (toAnnounce.isEmpty()) {
            announceAt = now
                    + options.announceEvery().toNanos() / 2
                    + rng.nextLong(options.announceEvery().toNanos() / 2);
        }
        toAnnounce.put(dot, entry);
    }

    long deadline() {
        long next = toAnnounce.isEmpty() ? Long.MAX_VALUE : announceAt;
        for (Wanted want : wanted.values()) {
            next = Math.min(next, want.at);
        }
        for (long at : standby.values()) {
            next = Math.min(next, at);
        }
        return next;
    }

    void tick(long now) {
        if (!toAnnounce.isEmpty() && announceAt <= now) {
            announce();
            announceAt = now + options.announceEvery().toNanos();
        }
        for (var entry : List.copyOf(standby.entrySet())) {
            if (entry.getValue() <= now) {
                standby.remove(entry.getKey());
                @Nullable Kept payload = kept.get(entry.getKey());
                if (payload != null) {
                    passOn(membership.self().id(), payload.payload);
                }
            }
        }
        for (var entry : List.copyOf(wanted.entrySet())) {
            if (entry.getValue().at <= now) {
                want(entry.getKey(), entry.getValue(), now);
            }
        }
    }

    private void announce() {
        List<Dot> dots = new ArrayList<>();
        for (var entry : List.copyOf(toAnnounce.entrySet())) {
            if (dots.size() == DOTS * BATCHES) {
                break;
            }
            dots.add(entry.getKey());
            if (++entry.getValue().announced >= options.announcements()) {
                toAnnounce.remove(entry.getKey());
            }
        }
        for (int from = 0; from < dots.size(); from += DOTS) {
            announce(dots.subList(from, Math.min(dots.size(), from + DOTS)));
        }
    }

    private void announce(List<Dot> dots) {
        byte[] message = dots(Envelope.HAVE, dots);
        for (int i = 0; i < options.announceTo(); i++) {
            sendToRandom(regions.own().hosts(), message);
        }
        List<Member> anywhere = membership.random(1, null);
        if (!anywhere.isEmpty()) {
            out.send(anywhere.getFirst().host().address(), message);
        }
    }

    private void sendToRandom(List<HostInfo> hosts, byte[] message) {
        HostInfo host = hosts.get(rng.nextInt(hosts.size()));
        if (!host.id().equals(membership.self().id())) {
            out.send(host.address(), message);
        }
    }

    private byte[] dots(int kind, List<Dot> dots) {
        Encoder message =
                Envelope.open(fleet, kind).text(membership.self().address()).number(dots.size());
        dots.forEach(message::dot);
        return message.bytes();
    }

    private void announced(Decoder in, long now) {
        String from = in.text();
        for (int i = in.count(); i > 0; i--) {
            Dot dot = in.dot();
            if (!known(dot)) {
                if (wanted.size() >= options.kept()) {
                    return;
                }
                Wanted want = wanted.computeIfAbsent(dot, d -> new Wanted());
                if (want.from.isEmpty()) {
                    want.at = now + options.wantAfter().toNanos();
                }
                if (!want.from.contains(from) && want.from.size() < TRIES) {
                    want.from.add(from);
                }
            }
        }
    }

    private void want(Dot dot, Wanted want, long now) {
        if (want.tries >= TRIES || known(dot)) {
            wanted.remove(dot);
            return;
        }
        String from = want.from.get(want.tries % want.from.size());
        want.tries++;
        want.at = now + 6 * options.announceEvery().toNanos();
        out.send(from, dots(Envelope.WANT, List.of(dot)));
    }

    private void asked(Decoder in) {
        String from = in.text();
        for (int i = in.count(); i > 0; i--) {
            @Nullable Kept entry = kept.get(in.dot());
            if (entry != null) {
                out.send(from, push(ASKED, membership.self().id(), entry.payload));
            }
        }
    }
}
