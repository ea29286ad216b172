package org.allod.base;

import java.util.Optional;

/**
 * A 128-bit identifier whose text sorts by the time it was made: 48 bits of milliseconds, then 80 bits that are
 * random, or one more than the last where two fall into the same millisecond. 26 characters of Crockford's base 32.
 *
 * @param high the 48 bits of time and the first 16 of randomness
 * @param low the other 64
 * @see <a href="https://github.com/ulid/spec">the ULID specification</a>
 */
public record Ulid(long high, long low) implements Comparable<Ulid> {
    private static final String ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    private static final int LENGTH = 26;

    /** Milliseconds since the epoch at which this was made. */
    public long millis() {
        return high >>> 16;
    }

    /** Reads the text form, or nothing where {@code text} is not one. Lower case is taken too. */
    public static Optional<Ulid> parse(String text) {
        if (text.length() != LENGTH || ALPHABET.indexOf(Character.toUpperCase(text.charAt(0))) > 7) {
            return Optional.empty();
        }
        long high = 0;
        long low = 0;
        for (int i = 0; i < LENGTH; i++) {
            int digit = ALPHABET.indexOf(Character.toUpperCase(text.charAt(i)));
            if (digit < 0) {
                return Optional.empty();
            }
            high = (high << 5) | (low >>> 59);
            low = (low << 5) | digit;
        }
        return Optional.of(new Ulid(high, low));
    }

    @Override
    public int compareTo(Ulid other) {
        int byHigh = Long.compareUnsigned(high, other.high);
        return byHigh != 0 ? byHigh : Long.compareUnsigned(low, other.low);
    }

    @Override
    public String toString() {
        char[] text = new char[LENGTH];
        long h = high;
        long l = low;
        for (int i = LENGTH - 1; i >= 0; i--) {
            text[i] = ALPHABET.charAt((int) (l & 31));
            l = (l >>> 5) | (h << 59);
            h >>>= 5;
        }
        return new String(text);
    }
}
