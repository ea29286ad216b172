package org.allod.runtime;

/**
 * A token bucket: how much may be taken, on average, over time. Pure: time is passed in. May be overdrawn by the last
 * request, and then returns how long to wait until it is even again.
 */
final class TokenBucket {
    private final double perNano;
    private final double burst;
    private double tokens;
    private long last;

    TokenBucket(long perSecond, long burst, long nowNanos) {
        this.perNano = perSecond / 1e9;
        this.burst = burst;
        this.tokens = burst;
        this.last = nowNanos;
    }

    /** Takes {@code amount}; returns the nanoseconds to wait before anything more is taken. */
    long take(long amount, long nowNanos) {
        tokens = Math.min(burst, tokens + (nowNanos - last) * perNano) - amount;
        last = nowNanos;
        return tokens >= 0 ? 0 : (long) (-tokens / perNano);
    }
}
