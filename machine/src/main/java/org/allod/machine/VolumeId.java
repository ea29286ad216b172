package org.allod.machine;

import java.util.Locale;
import java.util.Optional;
import org.allod.base.Ulid;

/**
 * The name of one volume: {@code vol_} and 16 small letters and digits, 20 characters in all, which is what a virtual
 * disk's serial number holds.
 */
public record VolumeId(String text) implements Comparable<VolumeId> {
    private static final String PREFIX = "vol_";

    public VolumeId {
        if (!valid(PREFIX, text)) {
            throw new IllegalArgumentException("not a volume id: " + text);
        }
    }

    static VolumeId of(Ulid ulid) {
        return new VolumeId(PREFIX + tail(ulid));
    }

    /** Parses a caller's text; empty if it is no volume's id. */
    public static Optional<VolumeId> parse(String text) {
        return valid(PREFIX, text) ? Optional.of(new VolumeId(text)) : Optional.empty();
    }

    /** The random part of a ULID, which counts up within a millisecond. */
    static String tail(Ulid ulid) {
        return ulid.toString().substring(10).toLowerCase(Locale.ROOT);
    }

    static boolean valid(String prefix, String text) {
        return text.length() == prefix.length() + 16
                && text.startsWith(prefix)
                && text.chars().skip(prefix.length()).allMatch(c -> (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'));
    }

    @Override
    public int compareTo(VolumeId other) {
        return text.compareTo(other.text);
    }

    @Override
    public String toString() {
        return text;
    }
}
