package org.allod.machine;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Linux signals by name, with the numbers of the supported architectures. */
public final class SignalNames {
    private static final Map<String, Integer> NUMBERS = new TreeMap<>(Map.ofEntries(
            Map.entry("SIGHUP", 1),
            Map.entry("SIGINT", 2),
            Map.entry("SIGQUIT", 3),
            Map.entry("SIGILL", 4),
            Map.entry("SIGTRAP", 5),
            Map.entry("SIGABRT", 6),
            Map.entry("SIGFPE", 8),
            Map.entry("SIGKILL", 9),
            Map.entry("SIGUSR1", 10),
            Map.entry("SIGSEGV", 11),
            Map.entry("SIGUSR2", 12),
            Map.entry("SIGPIPE", 13),
            Map.entry("SIGALRM", 14),
            Map.entry("SIGTERM", 15)));

    /** Every name, in alphabetical order. */
    public static final List<String> NAMES = List.copyOf(NUMBERS.keySet());

    private SignalNames() {}

    /** The number of {@code SIGTERM}, {@code TERM} or {@code 15}; empty for anything that is not in the list. */
    public static Optional<Integer> number(String name) {
        String upper = name.toUpperCase(java.util.Locale.ROOT);
        Integer known = NUMBERS.get(upper.startsWith("SIG") ? upper : "SIG" + upper);
        if (known != null) {
            return Optional.of(known);
        }
        return NUMBERS.values().stream()
                .filter(n -> Integer.toString(n).equals(name))
                .findFirst();
    }
}
