package org.allod.machine;

import java.util.Locale;

/** How full the disk under the data folder is, and what that means for machines. */
public enum DiskLevel {
    /** There is enough space. */
    OK,
    /** Nothing is created or started any more; running machines go on. */
    LOW,
    /** The machine furthest beyond its promise is stopped. */
    FULL;

    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }
}
