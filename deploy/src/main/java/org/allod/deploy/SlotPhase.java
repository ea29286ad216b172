package org.allod.deploy;

import com.fasterxml.jackson.annotation.JsonAlias;
import java.util.Locale;

/**
 * How far one machine of a deploy is. An active phase has exactly one {@link DeployEffect}, which is due until it is done.
 * The aliases are the names under which older versions stored a phase.
 */
public enum SlotPhase {
    /** Not touched. */
    IDLE,
    /** Being made, or given the new configuration. */
    CHANGING,
    /** At the new version; has to pass its checks. */
    @JsonAlias("PROVING")
    VERIFYING,
    /** Passed; it was stopped before the deploy and is stopped again. */
    @JsonAlias("RESTING")
    STOPPING,
    /** Passed, out of traffic, and waits for the others (blue-green). */
    @JsonAlias("HELD")
    READY,
    /** Being put into traffic. */
    @JsonAlias("OPENING")
    UNCORDONING,
    /** At the new version, as it was before otherwise. */
    SERVING,
    /** Being taken out of traffic. */
    @JsonAlias("CLOSING")
    CORDONING,
    /** Out of traffic. */
    CLOSED,
    /** Being destroyed. */
    REMOVING,
    /** Destroyed. */
    GONE,
    /** Being brought back to what it was. */
    RESTORING,
    /** What it was before the deploy. */
    RESTORED,
    /** Could not be brought to where it should be; its note says why. */
    STUCK;

    boolean active() {
        return switch (this) {
            case CHANGING, VERIFYING, STOPPING, UNCORDONING, CORDONING, REMOVING, RESTORING -> true;
            case IDLE, READY, SERVING, CLOSED, GONE, RESTORED, STUCK -> false;
        };
    }

    /** On its way to the new version. */
    boolean changing() {
        return switch (this) {
            case CHANGING, VERIFYING, STOPPING, UNCORDONING -> true;
            case IDLE, READY, SERVING, CORDONING, CLOSED, REMOVING, GONE, RESTORING, RESTORED, STUCK -> false;
        };
    }

    /** The name on the wire. */
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }
}
