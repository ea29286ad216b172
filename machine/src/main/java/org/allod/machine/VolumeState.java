package org.allod.machine;

import java.util.Locale;
import java.util.Optional;

/** The states of a volume. A transient state belongs to an active run and never outlives it. */
public enum VolumeState {
    /** It is being made, or filled from another volume or a snapshot. */
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
