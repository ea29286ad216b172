package org.allod.machine;

/** The requests and responses of volumes' runs, as text and numbers, so that every version reads another's. */
final class VolumeRequests {
    private VolumeRequests() {}

    /** For runs that need only the volume. */
    record Simple(String volume) {
        VolumeId id() {
            return new VolumeId(volume);
        }
    }

    /** @param from the id of the volume or snapshot to copy */
    record Fill(String volume, String from) {
        VolumeId id() {
            return new VolumeId(volume);
        }
    }

    record Extend(String volume, int sizeGb) {
        VolumeId id() {
            return new VolumeId(volume);
        }
    }

    record Snapshot(String volume, String snapshot) {
        VolumeId id() {
            return new VolumeId(volume);
        }

        SnapshotId snapshotId() {
            return new SnapshotId(snapshot);
        }
    }

    /**
     * What a run has done so far.
     *
     * @param restart whether the machine must be restarted to see the new size
     */
    record Progress(String note, boolean restart) {
        static Progress of(String note) {
            return new Progress(note, false);
        }
    }
}
