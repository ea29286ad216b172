package org.allod.state;

import java.util.Optional;
import java.util.UUID;
import org.allod.base.Rng;

/**
 * One writer of changes: a host, for as long as it keeps its database. A host that lost its database is a new site, so
 * that no number of a change is ever given out twice. Written as a UUID, which is what Corrosion's clients expect of an
 * actor.
 */
public record SiteId(long high, long low) implements Comparable<SiteId> {
    public static SiteId random(Rng rng) {
        // Version 4, variant 2, as RFC 9562 wants it.
        long high = (rng.nextLong() & ~0xf000L) | 0x4000L;
        long low = (rng.nextLong() & 0x3fff_ffff_ffff_ffffL) | 0x8000_0000_0000_0000L;
        return new SiteId(high, low);
    }

    public static Optional<SiteId> parse(String text) {
        try {
            UUID uuid = UUID.fromString(text);
            return Optional.of(new SiteId(uuid.getMostSignificantBits(), uuid.getLeastSignificantBits()));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    @Override
    public int compareTo(SiteId other) {
        int byHigh = Long.compareUnsigned(high, other.high);
        return byHigh != 0 ? byHigh : Long.compareUnsigned(low, other.low);
    }

    /** 64 well-mixed bits, the same in every process: {@link #hashCode} is not for protocols. */
    public long mix(long salt) {
        return SplitMix64.mix(high ^ SplitMix64.mix(low ^ SplitMix64.mix(salt)));
    }

    @Override
    public String toString() {
        return new UUID(high, low).toString();
    }
}
