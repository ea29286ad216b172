package org.allod.machine;

import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.allod.base.RejectedException;

/**
 * The ports of the edge that apps' tokens may have for services that are not told apart by host name. The operator may
 * have any.
 *
 * @param first the first of them; 0 for none
 * @param last the last of them
 * @param taken ports that nobody may have, the operator neither: the API's and the edge's own
 */
public record RawPorts(int first, int last, Set<Integer> taken) {
    public RawPorts {
        taken = Set.copyOf(taken);
    }

    /**
     * Above what Debian and its packages listen on (1 to 9999 holds nearly all of it), below where Linux takes a
     * connection's own port from (32768), so that neither a service of the host nor a connection of it is in the way.
     */
    public static final RawPorts USUAL = new RawPorts(10_000, 32_767, Set.of());

    /** For hosts where the operator gives out every such port. */
    public static final RawPorts NONE = new RawPorts(0, 0, Set.of());

    private static final Pattern RANGE = Pattern.compile("([0-9]{1,5})-([0-9]{1,5})");

    /** {@code FIRST-LAST}, or {@code none}. */
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

    /** The same, without these ports. */
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
