package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeLibrariesTest {
    @Test
    void folder_isEmptiedAtEachStart_andIsWhereLibrariesUnpack(@TempDir Path data) throws Exception {
        Path folder = Files.createDirectory(data.resolve("native"));
        Files.writeString(folder.resolve("sqlite-of-a-daemon-that-was-killed.so"), "left");
        String before = System.getProperty("org.sqlite.tmpdir");
        try {
            NativeLibraries.unpackIn(folder);
            assertThat(folder).isEmptyDirectory();
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
