package org.allod.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Stream;
import org.allod.linux.Command;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Real file systems in real files; nothing is mounted. */
class WritableLayerTest {
    private static final int MEGABYTES = 16;

    @TempDir
    private Path folder;

    private WritableLayer layer(int megabytes, boolean kept) throws Exception {
        Files.createDirectories(folder.resolve("home"));
        return new WritableLayer(folder.resolve("templates"), megabytes, kept, disk());
    }

    private Path disk() {
        return folder.resolve("home/disk.img");
    }

    private List<String> home() throws Exception {
        try (Stream<Path> files = Files.list(folder.resolve("home"))) {
            return files.map(f -> f.getFileName().toString()).sorted().toList();
        }
    }

    /** What a guest might do: here, what stands where ext4 has its superblock. */
    private void spoil() throws Exception {
        try (FileChannel file = FileChannel.open(disk(), StandardOpenOption.WRITE)) {
            file.write(ByteBuffer.wrap(new byte[4096]), 1024);
        }
    }

    private boolean sound() {
        return Command.of("e2fsck", "-fn", disk().toString()).run().ok();
    }

    @Test
    void begin_withNothingThere_isAnEmptyFileSystemOfThatSize() throws Exception {
        layer(MEGABYTES, false).begin();
        assertThat(disk()).hasSize((long) MEGABYTES << 20);
        assertThat(sound()).isTrue();
    }

    @Test
    void begin_afterAGuestHasWritten_beginsAnew() throws Exception {
        layer(MEGABYTES, false).begin();
        spoil();
        assertThat(sound()).isFalse();
        layer(MEGABYTES, false).begin();
        assertThat(sound()).isTrue();
    }

    @Test
    void makeAhead_whileAGuestsMemoryIsSaved_leavesItsLayerAlone() throws Exception {
        layer(MEGABYTES, false).begin();
        spoil();
        layer(MEGABYTES, false).makeAhead();
        assertThat(sound()).as("is still what the guest wrote").isFalse();
        assertThat(home()).containsExactly("disk.img", "next-disk-16.img");
    }

    @Test
    void makeAhead_thenBegin_takesThatOneAndLeavesNothing() throws Exception {
        layer(MEGABYTES, false).makeAhead();
        Object made = Files.getAttribute(folder.resolve("home/next-disk-16.img"), "unix:ino");
        layer(MEGABYTES, false).begin();
        assertThat(Files.getAttribute(disk(), "unix:ino")).isEqualTo(made);
        assertThat(home()).containsExactly("disk.img");
    }

    @Test
    void makeAhead_ofAnotherSize_replacesTheOneNobodyWants() throws Exception {
        layer(MEGABYTES, false).makeAhead();
        layer(2 * MEGABYTES, false).makeAhead();
        assertThat(home()).containsExactly("next-disk-32.img");
    }

    @Test
    void begin_ofAKeptLayer_keepsIt() throws Exception {
        layer(MEGABYTES, true).begin();
        spoil();
        layer(MEGABYTES, true).makeAhead();
        layer(MEGABYTES, true).begin();
        assertThat(sound()).isFalse();
        assertThat(home()).containsExactly("disk.img");
    }
}
