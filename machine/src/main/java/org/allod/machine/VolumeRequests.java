package org.allod.machine;

/** The requests and answers of the volumes' runs: plain text and numbers, so that any version reads what another wrote. */
final class VolumeRequests {
    private VolumeRequests() {}

    /** For runs that need to know no more than which volume. */
    record Simple(String volume) {
        VolumeId id() {
            return new VolumeId(volume);
        }
    }

    /** @param from the volume or the snapshot it is filled from */
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
     * What a run has found out so far.
     *
     * @param restart whether the guest has to be restarted to see the new size
     */
    record Progress(String note, boolean restart) {
        static Progress of(String note) {
            return new Progress(note, false);
        }
    }
}
