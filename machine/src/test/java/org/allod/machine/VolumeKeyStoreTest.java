package org.allod.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.allod.base.FailedException;
import org.allod.base.RejectedException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A key lives as long as the volume or snapshot that it opens, and no longer. */
class VolumeKeyStoreTest {
    @TempDir
    Path folder;

    /** Keys in memory: how they are sealed and kept is tested where they are. */
    private static final class Keys implements VolumeKeyStore {
        final Map<String, byte[]> kept = new HashMap<>();

        @Override
        public boolean available() {
            return true;
        }

        @Override
        public void make(VolumeId volume) {
            kept.putIfAbsent(volume.text(), new byte[32]);
        }

        @Override
        public void share(String with, String of) {
            kept.put(with, kept.get(of));
        }

        @Override
        public Optional<byte[]> key(VolumeId volume) {
            // One that cannot be read fails whatever needs it.
            throw new FailedException("no key of " + volume + " today");
        }

        @Override
        public void forget(String owner) {
            kept.remove(owner);
        }

        @Override
        public Set<String> owners() {
            return Set.copyOf(kept.keySet());
        }
    }

    @Test
    void keyWhoseVolumeNeverCameToBe_isForgotten_atTheNextStartAtTheLatest() {
        Keys keys = new Keys();
        try (TestMachineModule room = new TestMachineModule(folder, keys)) {
            assertThatThrownBy(
                            () -> room.volumes.create(room.machines.app("app"), Volumes.Request.empty("data", 1, true)))
                    .isInstanceOf(FailedException.class)
                    .hasMessageContaining("nothing was left behind");
            assertThat(keys.kept).isEmpty();
            assertThatThrownBy(() ->
                            room.volumes.create(room.machines.app("app"), Volumes.Request.empty("data", 65_000, true)))
                    .isInstanceOf(RejectedException.class);
            assertThat(keys.kept).isEmpty();
        }
        // The daemon died between the key and the record.
        keys.kept.put("vol_0123456789abcdef", new byte[32]);
        try (TestMachineModule _ = new TestMachineModule(folder, keys)) {
            assertThat(keys.kept).isEmpty();
        }
    }
}
