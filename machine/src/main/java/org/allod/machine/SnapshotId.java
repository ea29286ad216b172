package org.allod.machine;

import java.util.Optional;
import org.allod.base.Ulid;

/** The name of one snapshot of a volume: {@code vs_} and 16 small letters and digits. */
public record SnapshotId(String text) implements Comparable<SnapshotId> {
    private static final String PREFIX = "vs_";

    public SnapshotId {
        if (!VolumeId.valid(PREFIX, text)) {
            throw new IllegalArgumentException("not a snapshot id: " + text);
        }
    }

    static SnapshotId of(Ulid ulid) {
        return new SnapshotId(PREFIX + VolumeId.tail(ulid));
    }

    /** Parses a caller's text; empty if it is no snapshot's id. */
    public static Optional<SnapshotId> parse(String text) {
        return VolumeId.valid(PREFIX, text) ? Optional.of(new SnapshotId(text)) : Optional.empty();
    }

    @Override
    public int compareTo(SnapshotId other) {
        return text.compareTo(other.text);
    }

    @Override
    public String toString() {
        return text;
    }
}
