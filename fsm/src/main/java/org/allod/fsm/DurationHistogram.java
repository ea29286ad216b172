package org.allod.fsm;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;

/** A histogram of durations with fixed bounds, from a fast step to a slow image pull. */
public final class DurationHistogram {
    private static final long[] BOUNDS_MILLIS = {
        1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 60_000, 600_000
    };

    private final AtomicLongArray counts = new AtomicLongArray(BOUNDS_MILLIS.length + 1);
    private final LongAdder nanos = new LongAdder();

    /**
     * @param counts how many took at most the bound with the same index and more than the bound before; the last entry
     *     counts those beyond all bounds
     */
    public record Snapshot(List<Duration> bounds, List<Long> counts, Duration sum) {
        public long count() {
            return counts.stream().mapToLong(Long::longValue).sum();
        }
    }

    void add(long elapsedNanos) {
        long bounded = Math.max(0, elapsedNanos);
        int i = 0;
        while (i < BOUNDS_MILLIS.length && bounded > BOUNDS_MILLIS[i] * 1_000_000) {
            i++;
        }
        counts.incrementAndGet(i);
        nanos.add(bounded);
    }

    Snapshot snapshot() {
        List<Duration> bounds = new ArrayList<>();
        List<Long> values = new ArrayList<>();
        for (int i = 0; i < counts.length(); i++) {
            values.add(counts.get(i));
            if (i < BOUNDS_MILLIS.length) {
                bounds.add(Duration.ofMillis(BOUNDS_MILLIS[i]));
            }
        }
        return new Snapshot(List.copyOf(bounds), List.copyOf(values), Duration.ofNanos(nanos.sum()));
    }
}
