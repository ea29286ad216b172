package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.allod.linux.Mounts;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeLibrariesTest {
    @Test
    void libraries_areUnpackedIntoMemory_andLeaveNothingOnTheDisk(@TempDir Path data) throws Exception {
        Path folder = Files.createDirectory(data.resolve("native"));
        Files.writeString(folder.resolve("sqlite-of-a-daemon-that-was-killed.so"), "left");
        String before = System.getProperty("org.sqlite.tmpdir");
        try {
            NativeLibraries.load(folder);
            assertThat(Mounts.at(folder)).as("what they were unpacked into").isEmpty();
            assertThat(folder).as("what is on the disk").isEmptyDirectory();
            assertThat(Files.readString(Path.of("/proc/self/maps"))).contains("sqlitejdbc");
            assertThat(System.getProperty("org.sqlite.tmpdir")).isEqualTo(folder.toString());
            assertThat(System.getProperty("io.netty.native.workdir")).isEqualTo(folder.toString());
            assertThat(System.getProperty("ZstdTempFolder")).isEqualTo(folder.toString());
        } finally {
            if (before == null) {
                System.clearProperty("org.sqlite.tmpdir");
            } else {
                System.setProperty("org.sqlite.tmpdir", before);
            }
            System.clearProperty("io.netty.native.workdir");
            System.clearProperty("ZstdTempFolder");
        }
    }
}
