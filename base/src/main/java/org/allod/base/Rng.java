package org.allod.base;

import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/**
 * Reproducible randomness. Streams are forked by name, so that a new draw in one place changes no other: {@code
 * rng.fork("backoff")} gives the same stream for the same seed, whatever else was drawn.
 *
 * <p>Not for secrets: use {@link #secret(int)}, which does not depend on a seed. Not thread-safe; fork one stream for
 * each thread.
 */
public final class Rng {
    private static final SecureRandom SECURE = new SecureRandom();

    private final long seed;
    private final RandomGenerator random;

    private Rng(long seed) {
        this.seed = seed;
        this.random = new SplittableRandom(seed);
    }

    public static Rng seeded(long seed) {
        return new Rng(seed);
    }

    /** Seeded from the operating system. */
    public static Rng system() {
        return new Rng(SECURE.nextLong());
    }

    /** {@code count} bytes from the operating system that nobody can guess. */
    public static byte[] secret(int count) {
        byte[] bytes = new byte[count];
        SECURE.nextBytes(bytes);
        return bytes;
    }

    public long seed() {
        return seed;
    }

    /** An independent stream that depends on this one's seed and {@code name} alone. */
    public Rng fork(String name) {
        long hash = 0xcbf29ce484222325L ^ seed;
        for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
            hash = (hash ^ b) * 0x100000001b3L;
        }
        return new Rng(hash);
    }

    public long nextLong() {
        return random.nextLong();
    }

    /** Uniform in {@code [0, bound)}. */
    public int nextInt(int bound) {
        return random.nextInt(bound);
    }

    /** Uniform in {@code [0, bound)}. */
    public long nextLong(long bound) {
        return random.nextLong(bound);
    }

    /** Uniform in {@code [0, 1)}. */
    public double nextDouble() {
        return random.nextDouble();
    }

    /** True with probability {@code p}. */
    public boolean chance(double p) {
        return random.nextDouble() < p;
    }

    public void nextBytes(byte[] into) {
        random.nextBytes(into);
    }
}
