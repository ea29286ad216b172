package org.allod.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.allod.base.FailedException;
import org.allod.image.ImageStore.BuildSpec;
import org.allod.image.ImageStore.Progress;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On a real disk that is too small. */
class ImageDiskFullTest {
    @TempDir
    Path scratch;

    private Path disk;

    private void disk(int mebibytes) throws Exception {
        MountedImage.run("mount", "-t", "tmpfs", "-o", "size=" + mebibytes + "m", "tmpfs", disk.toString());
    }

    @BeforeEach
    void folder() throws Exception {
        disk = Files.createDirectory(scratch.resolve("disk"));
    }

    @AfterEach
    void unmount() throws Exception {
        MountedImage.run("umount", disk.toString());
    }

    private Path layout(int mebibytes) throws Exception {
        byte[] noise = new byte[mebibytes << 20];
        new Random(7).nextBytes(noise);
        return new OciLayoutBuilder(scratch.resolve("layout"))
                .layer(new TarMaker().file("noise", noise, 0644).bytes())
                .done();
    }

    private long used() throws Exception {
        return Files.getFileStore(disk).getTotalSpace()
                - Files.getFileStore(disk).getUsableSpace();
    }

    /** Full while the layer is fetched (6 MiB), while it is unpacked (12), while the file system is made (20). */
    @Test
    void diskTooSmall_importSaysSo_andGivesTheSpaceBack() throws Exception {
        Path layout = layout(8);
        for (int size : new int[] {6, 12, 20}) {
            disk(size);
            try (Fixture fixture = new Fixture(disk.resolve("library"))) {
                long before = used();
                assertThatExceptionOfType(FailedException.class)
                        .as("a disk of " + size + " MiB")
                        .isThrownBy(() -> fixture.library.importFrom(layout, "big", Progress.NONE))
                        .withMessageContaining("could not import " + layout)
                        .withMessageContaining("the disk is full");
                assertThat(fixture.library.list()).isEmpty();
                fixture.library.collect(java.util.Set.of());
                assertThat(used() - before).as("bytes not given back").isLessThan(64 << 10);
            }
            MountedImage.run("umount", disk.toString());
        }
        disk(40);
        try (Fixture fixture = new Fixture(disk.resolve("library"))) {
            assertThat(fixture.library.importFrom(layout, "big", Progress.NONE).bytes())
                    .isGreaterThan(8 << 20);
        }
    }

    @Test
    void diskTooSmall_pullSaysSo_andGivesTheSpaceBack() throws Exception {
        disk(6);
        try (DockerRegistry registry = new DockerRegistry(scratch.resolve("registry"), false);
                Fixture fixture = new Fixture(disk.resolve("library"))) {
            registry.push(layout(8), "big:v1");
            long before = used();
            assertThatExceptionOfType(FailedException.class)
                    .isThrownBy(() -> fixture.library.pull(registry.host() + "/big:v1", Progress.NONE))
                    .withMessageContaining("the disk is full");
            fixture.library.collect(java.util.Set.of());
            assertThat(used() - before).as("bytes not given back").isLessThan(64 << 10);
        }
    }

    @Test
    void diskTooSmall_buildSaysSo_andGivesTheSpaceBack() throws Exception {
        disk(30);
        try (Fixture fixture = new Fixture(disk.resolve("library"))) {
            long before = used();
            BuildSpec spec =
                    new BuildSpec("web", List.of("busybox-static"), List.of(), List.of(), List.of(), List.of());
            assertThatExceptionOfType(FailedException.class)
                    .isThrownBy(() -> fixture.library.build(spec, Progress.NONE))
                    .withMessageContaining("could not build web")
                    .withMessageContaining("the disk is full");
            assertThat(used() - before).as("bytes not given back").isLessThan(64 << 10);
        }
    }
}
