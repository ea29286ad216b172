package org.allod.machine;

import java.util.Locale;

/** For whom a boot is; earlier constants go first. */
public enum BootPriority {
    /** A request is held at the edge until the guest is up. */
    REQUEST,
    /** A person, a deploy or a restart policy asked for it. */
    CHANGE,
    /** The machine's schedule asked for it, so nobody waits. */
    SCHEDULE;

    static BootPriority of(String source) {
        return switch (source) {
            case "edge" -> REQUEST;
            case "schedule" -> SCHEDULE;
            default -> CHANGE;
        };
    }

    /** The name of the class in {@code status} and in the metrics. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
