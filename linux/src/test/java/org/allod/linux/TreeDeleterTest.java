package org.allod.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.allod.base.FailedException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TreeDeleterTest {
    @TempDir
    Path folder;

    /** Folders in each other; returns the descriptor of the last, to be closed. */
    private static void nest(Path top, int depth, String name) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocateFrom(name);
            int at = Libc.open(top.toString(), Libc.O_RDONLY);
            for (int i = 0; i < depth; i++) {
                assertThat(LibcFiles.makeFolder(at, text, 0700)).isZero();
                try (Arena one = Arena.ofConfined()) {
                    int next = LibcFiles.openFolder(LibcFiles.openHow(one), at, text);
                    assertThat(next).isPositive();
                    Libc.close(at);
                    at = next;
                }
            }
            Libc.close(at);
        }
    }

    private static long descriptors() throws Exception {
        try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
            return all.count();
        }
    }

    @Test
    void nest_farBeyondThePathLimit_isDeleted() throws Exception {
        Path tree = Files.createDirectory(folder.resolve("tree"));
        nest(tree, 2_000, "n".repeat(200));
        Files.writeString(tree.resolve("beside"), "x");
        long before = descriptors();
        TreeDeleter.delete(tree);
        assertThat(tree).doesNotExist();
        assertThat(folder).isEmptyDirectory();
        assertThat(descriptors()).isLessThanOrEqualTo(before + 1);
    }

    @Test
    void nest_whoseNamesAreThoseOfMovedFolders_isDeleted() throws Exception {
        Path tree = Files.createDirectory(folder.resolve("tree"));
        nest(tree, 100, ".moved-0");
        Files.createDirectory(tree.resolve(".moved-1"));
        TreeDeleter.delete(tree);
        assertThat(tree).doesNotExist();
    }

    @Test
    void links_andSpecialFiles_areDeletedThemselves() throws Exception {
        Path outside = Files.createDirectory(folder.resolve("outside"));
        Files.writeString(outside.resolve("kept"), "x");
        Path tree = Files.createDirectories(folder.resolve("tree/a/b"));
        Files.createSymbolicLink(tree.resolve("folder"), outside);
        Files.createSymbolicLink(folder.resolve("tree/file"), outside.resolve("kept"));
        Command.of("mkfifo", tree.resolve("fifo").toString()).output();
        TreeDeleter.delete(folder.resolve("tree"));
        assertThat(folder.resolve("tree")).doesNotExist();
        assertThat(outside.resolve("kept")).hasContent("x");
        Path link = Files.createSymbolicLink(folder.resolve("link"), outside);
        TreeDeleter.delete(link);
        assertThat(link).doesNotExist();
        assertThat(outside.resolve("kept")).hasContent("x");
        TreeDeleter.delete(folder.resolve("never there"));
    }

    @Test
    void folder_ofManyEntries_isDeleted() throws Exception {
        Path tree = Files.createDirectory(folder.resolve("tree"));
        for (int i = 0; i < 2000; i++) {
            Files.createFile(tree.resolve("a file with some name to fill the buffer " + i));
        }
        Thread.ofVirtual().start(() -> TreeDeleter.delete(tree)).join();
        assertThat(tree).doesNotExist();
    }

    @Test
    void mount_inTheTree_isLeftAndNamed() throws Exception {
        Path outside = Files.createDirectory(folder.resolve("outside"));
        Files.writeString(outside.resolve("kept"), "x");
        Path mounted = Files.createDirectories(folder.resolve("tree/a/mounted"));
        Files.writeString(folder.resolve("tree/goes"), "x");
        Command.of("mount", "--bind", outside.toString(), mounted.toString()).output();
        try {
            assertThatThrownBy(() -> TreeDeleter.delete(folder.resolve("tree")))
                    .isInstanceOf(FailedException.class)
                    .hasMessageContaining("'mounted'")
                    .hasMessageContaining("something is mounted there");
            assertThat(outside.resolve("kept")).hasContent("x");
            assertThat(folder.resolve("tree/goes")).doesNotExist();
        } finally {
            Mounts.detach(mounted);
        }
        TreeDeleter.delete(folder.resolve("tree"));
        assertThat(folder.resolve("tree")).doesNotExist();
    }
}
