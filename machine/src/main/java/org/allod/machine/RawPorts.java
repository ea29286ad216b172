package org.allod.machine;

import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.allod.base.RejectedException;

/**
 * The ports of the edge that tokens of apps may use for raw TCP services. The operator may use any port that is not
 * {@code taken}.
 *
 * @param first the first port; 0 for none
 * @param last the last port
 * @param taken ports that not even the operator may use: those of the API and of the edge itself
 */
public record RawPorts(int first, int last, Set<Integer> taken) {
    public RawPorts {
        taken = Set.copyOf(taken);
    }

    /**
     * The default: above nearly all ports that Debian's packages listen on (1 to 9999) and below the ephemeral ports of
     * Linux (from 32768), so that neither a service nor a connection of the host occupies one of them.
     */
    public static final RawPorts USUAL = new RawPorts(10_000, 32_767, Set.of());

    /** No ports: only the operator may use raw TCP. */
    public static final RawPorts NONE = new RawPorts(0, 0, Set.of());

    private static final Pattern RANGE = Pattern.compile("([0-9]{1,5})-([0-9]{1,5})");

    /** Parses {@code FIRST-LAST} or {@code none}. */
    public static RawPorts parse(String text) {
        Matcher range = RANGE.matcher(text);
        if (text.equals("none")) {
            return NONE;
        }
        if (range.matches()) {
            int first = Integer.parseInt(range.group(1));
            int last = Integer.parseInt(range.group(2));
            if (first >= 1 && first <= last && last <= 65_535) {
                return new RawPorts(first, last, Set.of());
            }
        }
        throw RejectedException.invalid(
                "--app-ports is \"%s\": it must be FIRST-LAST, such as 10000-32767, or none".formatted(text));
    }

    /** The same range without these ports. */
    public RawPorts without(Set<Integer> others) {
        return new RawPorts(first, last, others);
    }

    boolean isTaken(MachineConfig.Port port) {
        return taken.stream().anyMatch(own -> port.first() <= own && own <= port.last());
    }

    boolean contains(MachineConfig.Port port) {
        return first > 0 && first <= port.first() && port.last() <= last;
    }

    @Override
    public String toString() {
        return first == 0 ? "none" : "those from %d to %d".formatted(first, last);
    }
}
