package org.allod.deploy;

import com.fasterxml.jackson.annotation.JsonAlias;
import java.util.Locale;

/**
 * The progress of one machine in a deploy. An active phase has exactly one {@link DeployEffect}, due until it is done.
 * The aliases are the names under which older versions stored a phase.
 */
public enum SlotPhase {
    /** Not changed yet. */
    IDLE,
    /** Being created or updated. */
    CHANGING,
    /** At the new version, and must pass its checks. */
    @JsonAlias("PROVING")
    VERIFYING,
    /** Passed, and being stopped again, as it was before the deploy. */
    @JsonAlias("RESTING")
    STOPPING,
    /** Passed and out of traffic; it waits for the others (blue-green). */
    @JsonAlias("HELD")
    READY,
    /** Being put into traffic. */
    @JsonAlias("OPENING")
    UNCORDONING,
    /** At the new version, and otherwise in the state that it had before. */
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
    /** Being restored to what it was. */
    RESTORING,
    /** What it was before the deploy. */
    RESTORED,
    /** It could be neither changed nor restored; its note says why. */
    STUCK;

    boolean active() {
        return switch (this) {
            case CHANGING, VERIFYING, STOPPING, UNCORDONING, CORDONING, REMOVING, RESTORING -> true;
            case IDLE, READY, SERVING, CLOSED, GONE, RESTORED, STUCK -> false;
        };
    }

    /** Whether it is changing to the new version. */
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
