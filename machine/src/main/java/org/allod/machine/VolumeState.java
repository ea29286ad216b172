package org.allod.machine;

import java.util.Locale;
import java.util.Optional;

/** Where a volume is in its life. The transient ones belong to an active run and never outlive it. */
public enum VolumeState {
    /** Being made, or filled from another volume or a snapshot. */
    CREATING,
    CREATED,
    EXTENDING,
    DESTROYING,
    DESTROYED;

    /** The name on the wire: lower case. */
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Reads the name on the wire. */
    public static Optional<VolumeState> parse(String wire) {
        for (VolumeState state : values()) {
            if (state.wire().equals(wire)) {
                return Optional.of(state);
            }
        }
        return Optional.empty();
    }
}
