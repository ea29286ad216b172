package org.allod.sim;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import org.allod.base.Rng;

/**
 * What breaks and when, drawn from the seed before the run, so that it can be printed, and cut down by hand. Which kinds
 * there are differs from seed to seed: a run with all of them at once never gets far enough to fail in one.
 */
record FaultPlan(List<Fault> faults) {
    enum Kind {
        LOSSY,
        DELAYS,
        PARTITION,
        ONE_WAY,
        SLOW,
        STALL,
        CRASH,
        CRASH_AT_WRITE,
        CRASH_MANY,
        SLOW_DISK
    }

    /**
     * @param at nanoseconds from the beginning
     * @param lasting nanoseconds
     * @param host whom it befalls, or who stands first on one side of a partition
     * @param strength from 0 to 1
     */
    record Fault(Kind kind, long at, long lasting, int host, double strength) {
        @Override
        public String toString() {
            return String.format(
                    Locale.ROOT, "%s at %.3f s for %.3f s, h%d, %.2f", kind, at / 1e9, lasting / 1e9, host, strength);
        }
    }

    static FaultPlan draw(Rng rng, int hosts, long duration) {
        List<Kind> kinds = new ArrayList<>();
        for (Kind kind : Kind.values()) {
            if (rng.chance(0.5)) {
                kinds.add(kind);
            }
        }
        List<Fault> faults = new ArrayList<>();
        for (int i = rng.nextInt(10); i >= 0 && !kinds.isEmpty(); i--) {
            long at = rng.nextLong(duration * 4 / 5);
            long lasting = 100_000_000 + rng.nextLong(duration / 2);
            Kind kind = kinds.get(rng.nextInt(kinds.size()));
            faults.add(new Fault(kind, at, Math.min(lasting, duration - at), rng.nextInt(hosts), rng.nextDouble()));
        }
        faults.sort(Comparator.comparingLong(Fault::at));
        return new FaultPlan(List.copyOf(faults));
    }
}
