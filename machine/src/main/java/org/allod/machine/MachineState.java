package org.allod.machine;

import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The states of a machine, with the names of the Machines API. A transient state belongs to an active run and never
 * outlives it.
 */
public enum MachineState {
    /** Its image, network and disk are being prepared. */
    CREATING(Kind.TRANSIENT),
    /** Created and never started. */
    CREATED(Kind.PERSISTENT),
    STARTING(Kind.TRANSIENT),
    STARTED(Kind.PERSISTENT),
    STOPPING(Kind.TRANSIENT),
    STOPPED(Kind.PERSISTENT),
    SUSPENDING(Kind.TRANSIENT),
    /** Its memory is saved; a resume continues from there. */
    SUSPENDED(Kind.PERSISTENT),
    RESTARTING(Kind.TRANSIENT),
    UPDATING(Kind.TRANSIENT),
    /** It could not be started, or used up its restarts; its last event says why. */
    FAILED(Kind.PERSISTENT),
    DESTROYING(Kind.TRANSIENT),
    DESTROYED(Kind.TERMINAL);

    /** Whether a state lasts. */
    public enum Kind {
        PERSISTENT,
        TRANSIENT,
        TERMINAL
    }

    private static final Map<String, MachineState> BY_WIRE =
            Arrays.stream(values()).collect(Collectors.toUnmodifiableMap(MachineState::wire, state -> state));

    private final Kind kind;
    private final String wire;

    MachineState(Kind kind) {
        this.kind = kind;
        this.wire = name().toLowerCase(Locale.ROOT);
    }

    public Kind kind() {
        return kind;
    }

    /** How long a transient state may take before an event says what blocks it; empty for lasting states. */
    public Optional<Duration> bound() {
        return kind != Kind.TRANSIENT
                ? Optional.empty()
                // These two may have to pull an image.
                : Optional.of(Duration.ofMinutes(this == CREATING || this == UPDATING ? 10 : 5));
    }

    /** The name on the wire: lower case. */
    public String wire() {
        return wire;
    }

    /** Reads the name on the wire. */
    public static Optional<MachineState> parse(String wire) {
        return Optional.ofNullable(BY_WIRE.get(wire));
    }
}
