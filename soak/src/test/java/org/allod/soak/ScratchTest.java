package org.allod.soak;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ScratchTest {
    @TempDir
    Path temp;

    @Test
    void delete_takesAllAndFollowsNoLink() throws Exception {
        Path kept = Files.writeString(temp.resolve("kept"), "kept");
        Path folder = Files.createDirectory(temp.resolve("scratch"));
        Files.createDirectories(folder.resolve("a/b"));
        Files.writeString(folder.resolve("a/b/c"), "");
        Files.createSymbolicLink(folder.resolve("link"), temp);

        Scratch.delete(folder);

        assertThat(folder).doesNotExist();
        assertThat(kept).exists();
    }
}
