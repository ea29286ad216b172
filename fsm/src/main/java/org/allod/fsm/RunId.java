package org.allod.fsm;

import java.util.Optional;
import org.allod.base.Ulid;

/** The name of one run; sorts by the time at which the run was asked for. */
public record RunId(Ulid ulid) implements Comparable<RunId> {
    /** Parses a caller's text; empty if it is no run id. */
    public static Optional<RunId> parse(String text) {
        return Ulid.parse(text).map(RunId::new);
    }

    @Override
    public int compareTo(RunId other) {
        return ulid.compareTo(other.ulid);
    }

    @Override
    public String toString() {
        return ulid.toString();
    }
}
