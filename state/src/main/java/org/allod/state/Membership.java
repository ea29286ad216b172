package org.allod.state;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.allod.base.Rng;
import org.jspecify.annotations.Nullable;

/**
 * Which hosts are in the fleet and which are alive: SWIM (Das et al. 2002) with Lifeguard's local health, shrinking
 * suspicions and buddy system (Dadgar et al. 2018).
 *
 * <p>A host probes the members one after another in shuffled order, so that each is probed once in a round. A member
 * that does not answer is probed through others, then suspected, then declared dead unless it raises its incarnation.
 * Only the member itself raises its incarnation; at equal incarnations the worse status wins. Updates travel on probes
 * and their answers, and as gossip while there are any. So a stable fleet sends only probes, and each host sends as
 * many in a fleet of ten as in one of ten thousand.
 *
 * <p>A reducer: it takes messages and the time, and returns what to send. Thread rule: one thread. A host that detects
 * that it did not run for a while ignores its own unanswered probes.
 */
public final class Membership {
    /** Pieces of news in one message: about 80 bytes each, so that the datagram stays below 1,200. */
    private static final int NEWS = 12;

    private final long fleet;
    private final HostInfo self;
    private final MembershipOptions options;
    private final Outbox out;
    private final Rng rng;
    private final TreeMap<SiteId, Member> members = new TreeMap<>();
    private final TreeMap<SiteId, Suspicion> suspects = new TreeMap<>();
    private final UpdateQueue news = new UpdateQueue();
    private final Probes probes;
    private final List<String> seeds = new ArrayList<>();
    private long incarnation;
    private boolean left;
    /** Nothing to wait for unless {@link #join} gives somebody to ask. */
    private boolean joined = true;

    private int health;
    private long gossipAt;
    private long callDeadAt;
    private long joinAt;
    private long viewAskedAt;
    private long changes;
    private long viewHash;
    private long viewHashOf = -1;
    private @Nullable List<Member> reachable;

    /** @param incarnation above that of any life before; the shell keeps it on the disk */
    public Membership(
            long fleet, HostInfo self, long incarnation, MembershipOptions options, Outbox out, Rng rng, long now) {
        this.fleet = fleet;
        this.self = self;
        this.incarnation = incarnation;
        this.options = options;
        this.out = out;
        this.rng = rng;
        this.probes = new Probes(this, options, rng, now);
        gossipAt = now + rng.nextLong(options.gossipEvery().toNanos());
        callDeadAt = now + rng.nextLong(options.callDeadEvery().toNanos());
        viewAskedAt = now;
    }

    /** Asks these addresses, until one of them answers, to be let in. */
    public void join(List<String> addresses, long now) {
        seeds.addAll(addresses);
        seeds.remove(self.address());
        joined = seeds.isEmpty();
        news.put(mine());
        joinAt = now;
    }

    /** A member from before, as the shell kept it on the disk. Nobody is told. */
    public void remember(HostInfo host, long ofIncarnation, long now) {
        if (!host.id().equals(self.id()) && !members.containsKey(host.id())) {
            Member member = new Member(host, ofIncarnation, MemberStatus.ALIVE, now);
            members.put(host.id(), member);
            probes.add(member);
            reachable = null;
            changes++;
        }
    }

    /** Says goodbye. The host stays quiet from now on. */
    public void leave() {
        left = true;
        news.put(mine());
        for (int i = 0; i < 3; i++) {
            gossip();
        }
    }

    public HostInfo self() {
        return self;
    }

    public long incarnation() {
        return incarnation;
    }

    /** How unwell this host believes itself to be, from 0. */
    public int health() {
        return health;
    }

    /** Everybody else that is known, by id. */
    public Collection<Member> members() {
        return Collections.unmodifiableCollection(members.values());
    }

    public @Nullable Member member(SiteId id) {
        return members.get(id);
    }

    /** Those that may be sent something, by id. */
    public List<Member> reachable() {
        List<Member> list = reachable;
        if (list == null) {
            list = members.values().stream().filter(Member::reachable).toList();
            reachable = list;
        }
        return list;
    }

    /** Changes whenever {@link #reachable} may have. */
    public long changes() {
        return changes;
    }

    /** When {@link #tick} wants to be called next. */
    public long deadline() {
        long next = Math.min(probes.deadline(), callDeadAt);
        if (!news.isEmpty()) {
            next = Math.min(next, gossipAt);
        }
        if (!joined) {
            next = Math.min(next, joinAt);
        }
        return Math.min(next, suspicionDeadline());
    }

    private long suspicionDeadline() {
        long next = Long.MAX_VALUE;
        for (Suspicion suspicion : suspects.values()) {
            next = Math.min(next, suspicion.deadline());
        }
        return next;
    }

    public void tick(long now) {
        if (left) {
            return;
        }
        long stalled = probes.stalled(now);
        if (stalled > 0) {
            changeHealth(1);
            suspects.values().forEach(s -> s.lose(stalled));
        }
        probes.tick(now);
        for (Map.Entry<SiteId, Suspicion> suspect : List.copyOf(suspects.entrySet())) {
            Member member = members.get(suspect.getKey());
            if (member != null && suspect.getValue().deadline() <= now) {
                learn(new MemberUpdate(member.host, member.incarnation, MemberStatus.DEAD, self.id()), now);
            }
        }
        if (gossipAt <= now) {
            gossipAt = now + options.gossipEvery().toNanos();
            if (!news.isEmpty()) {
                gossip();
            }
        }
        if (callDeadAt <= now) {
            callDeadAt = now + options.callDeadEvery().toNanos();
            callDead(now);
        }
        if (!joined && joinAt <= now) {
            joinAt = now + options.verdictAfter().toNanos();
            Encoder message = Envelope.open(fleet, Envelope.JOIN);
            mine().encode(message);
            out.send(seeds.get(rng.nextInt(seeds.size())), message.bytes());
        }
    }

    private void gossip() {
        for (Member member : random(options.gossipTo(), null)) {
            out.send(member.host.address(), withNews(Envelope.open(fleet, Envelope.GOSSIP), member));
        }
    }

    /**
     * A dead member that lives hears what is said of it, and who says so, and answers with its view. It may have begun
     * a new life in which it knows nobody who knows this host.
     */
    private void callDead(long now) {
        List<Member> dead = new ArrayList<>();
        for (Member member : List.copyOf(members.values())) {
            if (!member.reachable()
                    && now - member.since > options.forgetDeadAfter().toNanos()) {
                members.remove(member.id());
            } else if (member.status == MemberStatus.DEAD) {
                dead.add(member);
            }
        }
        if (!dead.isEmpty()) {
            Member member = dead.get(rng.nextInt(dead.size()));
            Encoder message = Envelope.open(fleet, Envelope.JOIN);
            mine().encode(message);
            out.send(member.host.address(), withNews(message, member));
        }
    }

    void receive(int kind, Decoder in, long now) {
        if (left) {
            return;
        }
        switch (kind) {
            case Envelope.PING -> ping(in.number(), in.text(), in.fixed(), in, now);
            case Envelope.ACK -> probes.ack(in.number(), now);
            case Envelope.NACK -> probes.nack(in.number());
            case Envelope.PING_FOR -> probes.pingFor(in.number(), in.text(), in.text(), now);
            case Envelope.JOIN -> join(in, now);
            case Envelope.VIEW_WANTED -> sendView(in.text());
            case Envelope.VIEW -> joined = true;
            default -> {
                // Gossip: nothing but news.
            }
        }
        learnRest(in, now);
    }

    private void learnRest(Decoder in, long now) {
        while (in.more()) {
            learn(MemberUpdate.decode(in), now);
        }
    }

    /** What is said of this host is heard first, so that the answer can object. */
    private void ping(long seq, String from, long view, Decoder in, long now) {
        boolean quiet = news.isEmpty() && !in.more();
        learnRest(in, now);
        out.send(from, withNews(Envelope.open(fleet, Envelope.ACK).number(seq), null));
        if (quiet
                && view != viewHash()
                && now - viewAskedAt > options.callDeadEvery().toNanos()) {
            viewAskedAt = now;
            out.send(
                    from,
                    Envelope.open(fleet, Envelope.VIEW_WANTED)
                            .text(self.address())
                            .bytes());
        }
    }

    private void join(Decoder in, long now) {
        MemberUpdate newcomer = MemberUpdate.decode(in);
        learn(newcomer, now);
        learnRest(in, now);
        sendView(newcomer.host().address());
    }

    private void sendView(String to) {
        Encoder message = Envelope.open(fleet, Envelope.VIEW);
        mine().encode(message);
        for (Member member : members.values()) {
            if (member.status != MemberStatus.LEFT) {
                member.update(self.id()).encode(message);
            }
        }
        out.send(to, message.bytes());
    }

    /** Equal where two hosts think the same of everybody. */
    public long viewHash() {
        if (viewHashOf != changes) {
            viewHash = 0;
            for (Member member : reachable()) {
                viewHash += member.id().mix(member.incarnation);
            }
            viewHashOf = changes;
        }
        return viewHash + self.id().mix(incarnation);
    }

    MemberUpdate mine() {
        return new MemberUpdate(self, incarnation, left ? MemberStatus.LEFT : MemberStatus.ALIVE, self.id());
    }

    byte[] pingMessage(long seq, @Nullable Member to) {
        return withNews(
                Envelope.open(fleet, Envelope.PING)
                        .number(seq)
                        .text(self.address())
                        .fixed(viewHash()),
                to);
    }

    byte[] answer(int kind, long seq) {
        return withNews(Envelope.open(fleet, kind).number(seq), null);
    }

    byte[] pingForMessage(long seq, Member target) {
        return withNews(
                Envelope.open(fleet, Envelope.PING_FOR)
                        .number(seq)
                        .text(self.address())
                        .text(target.host.address()),
                null);
    }

    Outbox out() {
        return out;
    }

    /** As much news as a datagram holds; what is thought ill of the receiver comes first, so that it can object. */
    private byte[] withNews(Encoder message, @Nullable Member to) {
        if (to != null && to.status != MemberStatus.ALIVE) {
            to.update(self.id()).encode(message);
        }
        int limit = options.repeat() * (int) Math.ceil(Math.log10(members.size() + 2.0));
        for (MemberUpdate update : news.take(NEWS, limit)) {
            update.encode(message);
        }
        return message.bytes();
    }

    List<Member> random(int count, @Nullable SiteId except) {
        List<Member> all = reachable();
        List<Member> chosen = new ArrayList<>();
        for (int tries = 0; tries < 4 * count && chosen.size() < count && !all.isEmpty(); tries++) {
            Member member = all.get(rng.nextInt(all.size()));
            if (!member.id().equals(except) && !chosen.contains(member)) {
                chosen.add(member);
            }
        }
        return chosen;
    }

    void changeHealth(int by) {
        health = Math.clamp(health + by, 0, options.healthLimit());
    }

    /** A probe of this member came to nothing. */
    void suspect(Member member, long now) {
        learn(new MemberUpdate(member.host, member.incarnation, MemberStatus.SUSPECT, self.id()), now);
    }

    private void learn(MemberUpdate update, long now) {
        SiteId id = update.host().id();
        if (id.equals(self.id())) {
            object(update);
            return;
        }
        Member member = members.get(id);
        if (member == null) {
            if (update.status() == MemberStatus.ALIVE || update.status() == MemberStatus.SUSPECT) {
                Member fresh = new Member(update.host(), update.incarnation(), MemberStatus.ALIVE, now);
                members.put(id, fresh);
                probes.add(fresh);
                take(fresh, update, now);
            }
        } else if (update.incarnation() > member.incarnation
                || (update.incarnation() == member.incarnation
                        && update.status().compareTo(member.status) > 0)) {
            take(member, update, now);
        } else if (update.status() == MemberStatus.SUSPECT
                && member.suspicion != null
                && update.incarnation() == member.incarnation
                && member.suspicion.confirm(update.from())) {
            news.put(update);
        }
    }

    private void take(Member member, MemberUpdate update, long now) {
        if (update.status() == MemberStatus.ALIVE) {
            member.host = update.host();
        }
        member.incarnation = update.incarnation();
        member.status = update.status();
        member.since = now;
        member.suspicion = update.status() == MemberStatus.SUSPECT ? suspicion(update.from(), now) : null;
        if (member.suspicion == null) {
            suspects.remove(member.id());
        } else {
            suspects.put(member.id(), member.suspicion);
        }
        reachable = null;
        changes++;
        news.put(update);
        out.changed(member);
    }

    private Suspicion suspicion(SiteId from, long now) {
        double size = Math.max(1, Math.log10(Math.max(1, members.size())));
        long min = (long) (size * options.suspicion().toNanos());
        int wanted = Math.min(options.confirmations(), Math.max(0, members.size() - 2));
        return new Suspicion(now, min, min * options.suspicionStretch(), wanted, from);
    }

    /** What is said of this host, where it is not so. */
    private void object(MemberUpdate update) {
        boolean wrong = update.incarnation() > incarnation
                || (update.incarnation() == incarnation && update.status() != MemberStatus.ALIVE);
        if (wrong) {
            incarnation = update.incarnation() + 1;
            if (update.status() == MemberStatus.SUSPECT) {
                changeHealth(1);
            }
            changes++;
            news.put(mine());
        }
    }
}
