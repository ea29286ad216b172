package org.allod.machine;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Linux signals by name, on the architectures we run on. */
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

    /** Every name, in order of the alphabet. */
    public static final List<String> NAMES = List.copyOf(NUMBERS.keySet());

    private SignalNames() {}

    /** The number of {@code SIGTERM}, {@code TERM} or {@code 15}; nothing for what is no signal we send. */
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
