package org.allod.state;

import java.util.HashSet;
import java.util.Set;

/**
 * A suspicion and the hosts that confirmed it. Its timeout begins long and shrinks with each independent confirmation
 * (Lifeguard, Dadgar et al. 2018, section IV-B). A host that is slow itself gets no confirmations, so it does not
 * declare others dead early.
 */
final class Suspicion {
    private final long begun;
    private final long min;
    private final long max;
    private final int wanted;
    private final Set<SiteId> confirmed = new HashSet<>();
    /** Time during which this host did not run and could hear no answer. */
    private long lost;

    Suspicion(long now, long min, long max, int wanted, SiteId first) {
        this.begun = now;
        this.min = min;
        this.max = max;
        this.wanted = wanted;
        confirmed.add(first);
    }

    /** True where this one has not been counted and is worth passing on. */
    boolean confirm(SiteId from) {
        return confirmed.size() <= wanted && confirmed.add(from);
    }

    void lose(long nanos) {
        lost += nanos;
    }

    long deadline() {
        return begun + lost + timeout(confirmed.size() - 1, wanted, min, max);
    }

    static long timeout(int confirmations, int wanted, long min, long max) {
        if (wanted < 1) {
            return min;
        }
        double share = Math.log(confirmations + 1) / Math.log(wanted + 1);
        return Math.max(min, (long) (max - share * (max - min)));
    }
}
