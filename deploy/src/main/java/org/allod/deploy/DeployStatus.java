package org.allod.deploy;

import java.util.Locale;
import java.util.Optional;

/** The status of a deploy as the API shows it. */
public enum DeployStatus {
    /** Its images are being made ready; no machine is changed yet. */
    PENDING,
    RUNNING,
    ROLLING_BACK,
    /** Every machine is at the new version. */
    DONE,
    /** Every machine is what it was before. */
    ROLLED_BACK,
    /** It was rolled back, and some machine could not be restored: the deploy's {@code why} and slots say which. */
    FAILED;

    public boolean over() {
        return this == DONE || this == ROLLED_BACK || this == FAILED;
    }

    static DeployStatus of(DeployState state) {
        return switch (state.stage()) {
            case FORWARD, CUTOVER, RETIRING -> RUNNING;
            case ROLLING_BACK -> ROLLING_BACK;
            case DONE -> DONE;
            case ROLLED_BACK -> state.stuck().isEmpty() ? ROLLED_BACK : FAILED;
        };
    }

    /** The name on the wire. */
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    static Optional<DeployStatus> parse(String wire) {
        for (DeployStatus status : values()) {
            if (status.wire().equals(wire)) {
                return Optional.of(status);
            }
        }
        return Optional.empty();
    }
}
