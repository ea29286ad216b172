package org.allod.machine;

import java.util.Locale;

/** Whom a boot is for; the first is served before the others. */
public enum BootPriority {
    /** A request is held for it at the edge. */
    REQUEST,
    /** A person, a deploy or a restart policy asked for it. */
    CHANGE,
    /** Its schedule asked for it: nobody waits. */
    SCHEDULE;

    static BootPriority of(String source) {
        return switch (source) {
            case "edge" -> REQUEST;
            case "schedule" -> SCHEDULE;
            default -> CHANGE;
        };
    }

    /** The class as a word of {@code status} and of the metrics. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
