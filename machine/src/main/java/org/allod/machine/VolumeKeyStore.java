package org.allod.machine;

import java.util.Optional;
import java.util.Set;

/**
 * Makes and keeps the keys of encrypted volumes. A volume's key is made with it and deleted with it; without the key
 * its bytes are as good as overwritten. Copies have the same key, because they have the same encrypted bytes.
 */
public interface VolumeKeyStore {
    /** For hosts that cannot keep keys, where no volume can be encrypted. */
    VolumeKeyStore NONE = new VolumeKeyStore() {
        @Override
        public boolean available() {
            return false;
        }

        @Override
        public void make(VolumeId volume) {
            throw new UnsupportedOperationException("no keys are kept");
        }

        @Override
        public void share(String with, String of) {
            throw new UnsupportedOperationException("no keys are kept");
        }

        @Override
        public Optional<byte[]> key(VolumeId volume) {
            return Optional.empty();
        }

        @Override
        public void forget(String owner) {
            // There is none.
        }

        @Override
        public Set<String> owners() {
            return Set.of();
        }
    };

    /** Whether keys can be kept at all. */
    boolean available();

    /** Makes a key for a new volume, durably; one that has a key keeps it. */
    void make(VolumeId volume);

    /** Gives a copy (a volume or a snapshot, by its id) the key of its source. */
    void share(String with, String of);

    /** The key, 32 bytes; empty if the volume has none. */
    Optional<byte[]> key(VolumeId volume);

    /** Deletes the key of a volume or snapshot that is deleted. */
    void forget(String owner);

    /** Every volume and snapshot that has a key, by its id. */
    Set<String> owners();
}
