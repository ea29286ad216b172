package org.allod.base;

import java.util.Optional;

/**
 * The name of one machine: 48 bits, written as 14 hexadecimal digits (the length the Machines API uses, so the first
 * two are {@code 00}). The length is fixed because the gVisor runtime accepts any unique prefix of a name as the name.
 * The 48 bits are also the end of the machine's private address.
 *
 * @param text 14 lower-case hexadecimal digits
 */
public record MachineId(String text) implements Comparable<MachineId> {
    private static final int DIGITS = 14;

    public MachineId {
        if (!valid(text)) {
            throw new IllegalArgumentException("not a machine id: " + text);
        }
    }

    /** The identifier whose low 48 bits are {@code bits}. */
    public static MachineId of(long bits) {
        return new MachineId("%014x".formatted(bits & 0xffff_ffff_ffffL));
    }

    /** Parses a caller's text; empty if it is no machine id. */
    public static Optional<MachineId> parse(String text) {
        return valid(text) ? Optional.of(new MachineId(text)) : Optional.empty();
    }

    /** The 48 bits, in the low end. */
    public long bits() {
        return Long.parseLong(text, 16);
    }

    @Override
    public int compareTo(MachineId other) {
        return text.compareTo(other.text);
    }

    @Override
    public String toString() {
        return text;
    }

    private static boolean valid(String text) {
        if (text.length() != DIGITS || !text.startsWith("00")) {
            return false;
        }
        for (int i = 0; i < DIGITS; i++) {
            char c = text.charAt(i);
            if ((c < '0' || c > '9') && (c < 'a' || c > 'f')) {
                return false;
            }
        }
        return true;
    }
}
