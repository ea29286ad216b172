package org.allod.machine;

import java.util.Optional;
import org.allod.base.RejectedException;

/** What a new volume is filled from. */
sealed interface VolumeSource {
    /** Nothing: the volume begins empty. */
    record Empty() implements VolumeSource {}

    record Fork(Volume source) implements VolumeSource {}

    record Restore(VolumeSnapshot snapshot) implements VolumeSource {}

    /** The source's id; empty if there is none. */
    default Optional<String> from() {
        return switch (this) {
            case Empty() -> Optional.empty();
            case Fork(Volume source) -> Optional.of(source.id().text());
            case Restore(VolumeSnapshot snapshot) -> Optional.of(snapshot.id().text());
        };
    }

    /** The least size of the new volume in GiB: that of the source; 0 if there is none. */
    default int sizeGb() {
        return switch (this) {
            case Empty() -> 0;
            case Fork(Volume source) -> source.sizeGb();
            case Restore(VolumeSnapshot snapshot) -> snapshot.volumeGb();
        };
    }

    default boolean encrypted() {
        return switch (this) {
            case Empty() -> false;
            case Fork(Volume source) -> source.encrypted();
            case Restore(VolumeSnapshot snapshot) -> snapshot.encrypted();
        };
    }

    default Optional<String> writer() {
        return switch (this) {
            case Empty() -> Optional.empty();
            case Fork(Volume source) -> source.writer();
            case Restore(VolumeSnapshot snapshot) -> snapshot.writer();
        };
    }

    /** Finds the source that a request names. */
    static VolumeSource of(App app, Volumes.Request request, VolumeIndex index) {
        if (request.snapshot().isPresent() && request.source().isPresent()) {
            throw RejectedException.invalid(
                    "snapshot_id and source_volume_id are both there: a volume is made from one of them");
        }
        if (request.source().isPresent()) {
            String text = request.source().get();
            return VolumeId.parse(text)
                    .flatMap(index::get)
                    .filter(v -> v.app().equals(app.name()))
                    .filter(v -> v.state() == VolumeState.CREATED || v.state() == VolumeState.EXTENDING)
                    .<VolumeSource>map(VolumeSource.Fork::new)
                    .orElseThrow(() -> missing("source_volume_id", text, "volume", app));
        }
        if (request.snapshot().isPresent()) {
            String text = request.snapshot().get();
            return SnapshotId.parse(text)
                    .flatMap(index::snapshot)
                    .filter(s -> s.app().equals(app.name()) && s.ready())
                    .<VolumeSource>map(VolumeSource.Restore::new)
                    .orElseThrow(() -> missing("snapshot_id", text, "snapshot", app));
        }
        return new VolumeSource.Empty();
    }

    private static RejectedException missing(String field, String text, String what, App app) {
        return RejectedException.because(
                RejectedException.Reason.NOT_FOUND,
                "%s is \"%s\": app %s has no such %s"
                        .formatted(field, text.length() > 40 ? text.substring(0, 37) + "..." : text, app.name(), what),
                "`allod volume " + (what.equals("volume") ? "list" : "snapshots") + "` shows those there are");
    }
}
