package org.allod.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class Ext4ImageBuilderTest {
    @TempDir
    Path scratch;

    @Test
    void folder_madeTwice_isTheSameSmallMountableImage() throws Exception {
        Path folder =
                Files.createDirectories(scratch.resolve("tree/a/b")).getParent().getParent();
        Files.write(folder.resolve("a/b/zeros"), new byte[3 << 20]);
        Files.writeString(folder.resolve("name"), "ext4");
        String uuid = "01234567-89ab-4def-8123-456789abcdef";
        Ext4ImageBuilder.make(folder, scratch.resolve("one.ext4"), uuid);
        Ext4ImageBuilder.make(folder, scratch.resolve("two.ext4"), uuid);
        assertThat(Files.mismatch(scratch.resolve("one.ext4"), scratch.resolve("two.ext4")))
                .isEqualTo(-1);
        assertThat(Files.size(scratch.resolve("one.ext4"))).isLessThan(8 << 20);
        try (MountedImage mounted = MountedImage.of(scratch.resolve("one.ext4"), scratch)) {
            assertThat(mounted.text("name")).isEqualTo("ext4");
            assertThat(Files.size(mounted.root().resolve("a/b/zeros"))).isEqualTo(3 << 20);
        }
    }
}
