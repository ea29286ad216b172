package org.allod.trust;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VolumeKeysTest {
    @TempDir
    Path folder;

    @Test
    void owners_areThoseWhoseKeysAreKept() {
        try (TrustFolder there = new TrustFolder(folder)) {
            VolumeKeys keys = there.trust.volumeKeys();
            assertThat(keys.owners()).isEmpty();
            keys.make("vol_1");
            keys.share("vs_1", "vol_1");
            assertThat(keys.owners()).containsExactlyInAnyOrder("vol_1", "vs_1");
            keys.forget("vol_1");
            assertThat(keys.owners()).containsExactly("vs_1");
        }
    }
}
