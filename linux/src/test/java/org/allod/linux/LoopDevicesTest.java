package org.allod.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of a loop mount that another mount namespace has a copy of. */
class LoopDevicesTest {
    @TempDir
    Path folder;

    private LoopMount mounted() throws IOException {
        Path image = folder.resolve("disk.img");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(16 << 20);
        }
        Ext4.make(image);
        LoopMount mount = new LoopMount(image, folder.resolve("mnt"));
        assertThat(LoopDevices.isAttached(image)).isFalse();
        mount.mount();
        return mount;
    }

    /** As a sandbox does: copies of all mounts, none of whose own reach the host. */
    private static Process elsewhere() throws IOException {
        Process process = new ProcessBuilder(
                        "unshare", "--mount", "--propagation", "private", "sh", "-c", "echo in; read line")
                .redirectErrorStream(true)
                .start();
        assertThat(process.inputReader().readLine()).isEqualTo("in");
        return process;
    }

    @Test
    void unmountedHere_andMountedInAnotherNamespace_isNotLetGoOf() throws Exception {
        LoopMount mount = mounted();
        Process elsewhere = elsewhere();
        try {
            mount.unmount();
            assertThat(mount.isMounted()).isFalse();
            assertThat(LoopDevices.isAttached(mount.image())).isTrue();
            assertThat(LoopDevices.detach(mount.image(), Duration.ofMillis(50))).isFalse();
        } finally {
            elsewhere.destroy();
            elsewhere.waitFor();
            mount.unmount();
        }
        assertThat(LoopDevices.detach(mount.image(), Duration.ofSeconds(30))).isTrue();
    }
}
