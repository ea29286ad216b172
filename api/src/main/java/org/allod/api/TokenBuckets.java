package org.allod.api;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.allod.base.Clock;

/**
 * A token bucket for each caller: {@code burst} at once, then {@code perSecond}. Keeps at most {@link #MAX_CALLERS}
 * buckets and drops the least recently used first (a dropped caller starts with a full bucket).
 */
public final class TokenBuckets {
    private static final int MAX_CALLERS = 4_096;

    private static final class Bucket {
        double tokens;
        long at;
    }

    private final Clock clock;
    private final double perSecond;
    private final int burst;
    private final Map<String, Bucket> buckets = new LinkedHashMap<>(64, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Bucket> eldest) {
            return size() > MAX_CALLERS;
        }
    };

    public TokenBuckets(Clock clock, double perSecond, int burst) {
        this.clock = clock;
        this.perSecond = perSecond;
        this.burst = burst;
    }

    /** Takes a token; returns empty on success, else the time until the next token. */
    synchronized Optional<Duration> take(String caller) {
        long now = clock.monoNanos();
        Bucket bucket = buckets.computeIfAbsent(caller, c -> {
            Bucket full = new Bucket();
            full.tokens = burst;
            full.at = now;
            return full;
        });
        bucket.tokens = Math.min(burst, bucket.tokens + (now - bucket.at) / 1e9 * perSecond);
        bucket.at = now;
        if (bucket.tokens >= 1) {
            bucket.tokens -= 1;
            return Optional.empty();
        }
        return Optional.of(Duration.ofNanos((long) ((1 - bucket.tokens) / perSecond * 1e9)));
    }
}
