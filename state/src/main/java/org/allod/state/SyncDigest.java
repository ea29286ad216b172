package org.allod.state;

import java.util.Arrays;
import java.util.BitSet;

/**
 * A version vector in a fixed number of hashes, whatever the number of sites ever seen: each site falls into one bucket by
 * its id. Two replicas exchange the buckets, then only the sites of buckets that differ.
 */
public record SyncDigest(long[] buckets) {
    /** 64 hashes: half a kilobyte, and one host in 64 is spelled out for each site that differs. */
    public static final int BUCKETS = 64;

    static int bucket(SiteId site) {
        return (int) (site.mix(1) & (BUCKETS - 1));
    }

    public static SyncDigest of(VersionVector vector) {
        long[] buckets = new long[BUCKETS];
        vector.sites().forEach((site, numbers) -> {
            if (numbers.last() > 0) {
                buckets[bucket(site)] += SplitMix64.mix(site.mix(2) ^ numbers.mix());
            }
        });
        return new SyncDigest(buckets);
    }

    /** One number that is equal where all buckets are. */
    public long root() {
        long root = 0;
        for (long bucket : buckets) {
            root = SplitMix64.mix(root ^ bucket);
        }
        return root;
    }

    public BitSet differing(SyncDigest other) {
        BitSet result = new BitSet(BUCKETS);
        for (int i = 0; i < BUCKETS; i++) {
            result.set(i, buckets[i] != other.buckets[i]);
        }
        return result;
    }

    /** The part of a vector that falls into these buckets. */
    public static VersionVector within(VersionVector vector, BitSet buckets) {
        VersionVector result = new VersionVector();
        vector.sites().forEach((site, numbers) -> {
            if (buckets.get(bucket(site))) {
                result.add(site, numbers);
            }
        });
        return result;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof SyncDigest d && Arrays.equals(d.buckets, buckets);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(buckets);
    }
}
