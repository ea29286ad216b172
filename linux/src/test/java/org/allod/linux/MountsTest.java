package org.allod.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MountsTest {
    @TempDir
    Path folder;

    @Test
    void image_mountedTwice_isMountedOnceAndGoesWithItsLoop() throws Exception {
        Path tree = Files.createDirectory(folder.resolve("tree"));
        Files.writeString(tree.resolve("hello"), "world");
        Path image = folder.resolve("image.erofs");
        Command.of("mkfs.erofs", image.toString(), tree.toString()).output();
        Path target = folder.resolve("a mount point");
        Mounts.image(image, target, "erofs");
        Mounts.image(image, target, "erofs");
        assertThat(Mounts.all().stream().filter(m -> m.target().equals(target))).hasSize(1);
        assertThat(target.resolve("hello")).hasContent("world");
        Mounts.unmount(target);
        Mounts.unmount(target);
        assertThat(Mounts.at(target)).isEmpty();
        assertThat(Command.of("losetup", "--associated", image.toString()).output())
                .isEmpty();
    }

    @Test
    void table_withOptionalFieldsAndEscapes_isRead() {
        String line =
                "36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue\nbad line\n";
        assertThat(Mounts.parse(line))
                .containsExactly(new Mounts.Mount(Path.of("/mnt 2"), "ext3", "/dev/root", "rw,errors=continue"));
    }
}
