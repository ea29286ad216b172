package org.allod.host;

import java.util.Optional;
import java.util.Set;
import org.allod.linux.Command;
import org.allod.machine.VolumeId;
import org.allod.machine.VolumeKeyStore;
import org.allod.trust.VolumeKeys;

/**
 * The keys of encrypted volumes: implements what {@code machine} requires with what {@code trust} stores. Available if
 * QEMU's own block driver can create an encrypted disk; the host's kernel is not involved.
 */
record VolumeKeyring(VolumeKeys keys, boolean available) implements VolumeKeyStore {
    static VolumeKeyring of(VolumeKeys keys) {
        boolean tool = Command.of("sh", "-c", "command -v qemu-img").run().ok();
        return new VolumeKeyring(keys, tool);
    }

    @Override
    public void make(VolumeId volume) {
        keys.make(volume.text());
    }

    @Override
    public void share(String with, String of) {
        keys.share(with, of);
    }

    @Override
    public Optional<byte[]> key(VolumeId volume) {
        return keys.key(volume.text());
    }

    @Override
    public void forget(String owner) {
        keys.forget(owner);
    }

    @Override
    public Set<String> owners() {
        return keys.owners();
    }
}
