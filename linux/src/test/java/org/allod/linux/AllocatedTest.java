package org.allod.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a file takes on the disk, looked at while it is in use. */
class AllocatedTest {
    @TempDir
    Path folder;

    @Test
    void allocated_ofAFileThatIsLocked_leavesItsLock() throws Exception {
        Path file = folder.resolve("lock");
        Files.write(file, new byte[100_000]);
        long inode = (Long) Files.getAttribute(file, "unix:ino");
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            var lock = channel.lock();
            assertThat(locked(inode)).isTrue();
            assertThat(FileCopy.allocated(file)).isBetween(100_000L, 200_000L);
            assertThat(locked(inode)).as("after it was looked at").isTrue();
            lock.release();
        }
    }

    private static boolean locked(long inode) throws Exception {
        return Files.readString(Path.of("/proc/locks"))
                .lines()
                .anyMatch(line -> line.contains(":" + inode + " ")
                        && line.contains(" " + ProcessHandle.current().pid() + " "));
    }

    @Test
    void allocated_ofWhatIsNotThere_isNothing() {
        assertThat(FileCopy.allocated(folder.resolve("none"))).isZero();
    }
}
