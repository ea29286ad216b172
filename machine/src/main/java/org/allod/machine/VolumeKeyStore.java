package org.allod.machine;

import java.util.Optional;
import java.util.Set;

/**
 * Where the keys of encrypted volumes come from and are kept. The key of a volume is made with it and lost with it: a
 * volume whose key is gone is as good as overwritten. Its copies keep its key, for they are the same bytes.
 */
public interface VolumeKeyStore {
    /** A host that keeps no keys: nothing can be encrypted. */
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

    /** Gives a copy (a volume or a snapshot, by its id) the key of what it was made from. */
    void share(String with, String of);

    /** 32 bytes; empty where the volume has none. */
    Optional<byte[]> key(VolumeId volume);

    /** Drops the key of a volume or snapshot that is gone. */
    void forget(String owner);

    /** Every volume and snapshot that has a key, by its id. */
    Set<String> owners();
}
