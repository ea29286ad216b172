package org.allod.machine;

import java.util.Locale;

/** How full the disk under the data folder is, as it bears on machines. */
public enum DiskLevel {
    /** There is room. */
    OK,
    /** Nothing is created or started any more; what runs, runs on. */
    LOW,
    /** Whoever has written most beyond its promise is stopped. */
    FULL;

    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }
}
