package org.allod.state;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.allod.base.Rng;
import org.jspecify.annotations.Nullable;

/**
 * The probes of {@link Membership}: which member is next, which probes are under way, and which are made for others.
 */
final class Probes {
    /** A clock that moves this much further than it was to is taken to mean that this process did not run. */
    private static final long STALL = 500_000_000L;

    private static final class Probe {
        final Member member;
        final long sentAt;
        final long verdictAt;
        long answerBy;
        boolean helped;
        int nacksWanted;

        Probe(Member member, long sentAt, long answerBy, long verdictAt) {
            this.member = member;
            this.sentAt = sentAt;
            this.answerBy = answerBy;
            this.verdictAt = verdictAt;
        }

        long deadline() {
            return helped ? verdictAt : answerBy;
        }
    }

    private record Favour(String asker, long seq, long until) {}

    private final Membership membership;
    private final MembershipOptions options;
    private final Rng rng;
    private final List<Member> round = new ArrayList<>();
    private final TreeMap<Long, Probe> underWay = new TreeMap<>();
    private final TreeMap<Long, Favour> favours = new TreeMap<>();
    private int position;
    private long seq;
    private long nextAt;

    Probes(Membership membership, MembershipOptions options, Rng rng, long now) {
        this.membership = membership;
        this.options = options;
        this.rng = rng;
        nextAt = now + rng.nextLong(options.probeEvery().toNanos());
    }

    /** A new member takes a random place in the round, so that no round grows by its end alone. */
    void add(Member member) {
        int place = rng.nextInt(round.size() + 1);
        round.add(place, member);
        if (place < position) {
            position++;
        }
    }

    long deadline() {
        long next = nextAt;
        for (Probe probe : underWay.values()) {
            next = Math.min(next, probe.deadline());
        }
        for (Favour favour : favours.values()) {
            next = Math.min(next, favour.until);
        }
        return next;
    }

    /** How long this host did not run although it was to; what it waited for meanwhile is forgotten. */
    long stalled(long now) {
        long late = now - deadline();
        if (late < STALL) {
            return 0;
        }
        underWay.clear();
        favours.clear();
        return late;
    }

    void tick(long now) {
        for (var entry : List.copyOf(underWay.entrySet())) {
            Probe probe = entry.getValue();
            if (!probe.helped && probe.answerBy <= now) {
                askHelpers(entry.getKey(), probe);
            }
            if (probe.verdictAt <= now) {
                underWay.remove(entry.getKey());
                fail(probe, now);
            }
        }
        for (var entry : List.copyOf(favours.entrySet())) {
            if (entry.getValue().until <= now) {
                favours.remove(entry.getKey());
                membership.out().send(entry.getValue().asker, membership.answer(Envelope.NACK, entry.getValue().seq));
            }
        }
        if (nextAt <= now) {
            nextAt = now + options.probeEvery().toNanos() * (1 + membership.health());
            probeNext(now);
        }
    }

    private void probeNext(long now) {
        Member member = next();
        if (member == null) {
            return;
        }
        long within = member.roundTrip == 0
                ? options.answerWithin().toNanos()
                : Math.min(options.answerWithin().toNanos(), 2 * member.roundTrip + 50_000_000L);
        long patience = 1L + membership.health();
        Probe probe = new Probe(
                member,
                now,
                now + within * patience,
                now + options.verdictAfter().toNanos() * patience);
        underWay.put(++seq, probe);
        membership.out().send(member.host().address(), membership.pingMessage(seq, member));
    }

    private @Nullable Member next() {
        for (int looked = 0; looked <= round.size() && !round.isEmpty(); looked++) {
            if (position >= round.size()) {
                position = 0;
                shuffle();
            }
            Member member = round.get(position);
            if (membership.member(member.id()) != member) {
                round.remove(position);
            } else {
                position++;
                if (member.reachable()) {
                    return member;
                }
            }
        }
        return null;
    }

    private void shuffle() {
        for (int i = round.size() - 1; i > 0; i--) {
            java.util.Collections.swap(round, i, rng.nextInt(i + 1));
        }
    }

    private void askHelpers(long number, Probe probe) {
        probe.helped = true;
        List<Member> helpers = membership.random(options.helpers(), probe.member.id());
        probe.nacksWanted = helpers.size();
        for (Member helper : helpers) {
            membership.out().send(helper.host().address(), membership.pingForMessage(number, probe.member));
        }
    }

    /** Helpers that did not even say that they had no luck: then it is this host that is cut off. */
    private void fail(Probe probe, long now) {
        membership.changeHealth(probe.nacksWanted > 0 ? probe.nacksWanted : 1);
        if (membership.member(probe.member.id()) == probe.member && probe.member.reachable()) {
            membership.suspect(probe.member, now);
        }
    }

    void ack(long number, long now) {
        Favour favour = favours.remove(number);
        if (favour != null) {
            membership.out().send(favour.asker, membership.answer(Envelope.ACK, favour.seq));
        }
        Probe probe = underWay.remove(number);
        if (probe != null) {
            membership.changeHealth(-1);
            if (!probe.helped) {
                long took = now - probe.sentAt;
                probe.member.roundTrip = probe.member.roundTrip == 0 ? took : (3 * probe.member.roundTrip + took) / 4;
            }
        }
    }

    void nack(long number) {
        Probe probe = underWay.get(number);
        if (probe != null && probe.nacksWanted > 0) {
            probe.nacksWanted--;
        }
    }

    void pingFor(long number, String asker, String target, long now) {
        // In time for the asker's verdict, which comes as long again after it asked.
        favours.put(
                ++seq, new Favour(asker, number, now + options.answerWithin().toNanos() * 4 / 5));
        membership.out().send(target, membership.pingMessage(seq, null));
    }
}
