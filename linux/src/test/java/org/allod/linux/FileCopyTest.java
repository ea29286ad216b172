package org.allod.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.allod.base.FailedException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Copies on real file systems, made here: one that shares blocks, one that does not, one that is full. */
class FileCopyTest {
    private static final int MIB = 1 << 20;

    @TempDir
    Path folder;

    /** Data at the beginning, in the middle and at the very end, holes between. */
    private static Path sparse(Path at, int megabytes) throws Exception {
        try (RandomAccessFile file = new RandomAccessFile(at.toFile(), "rw")) {
            file.setLength((long) megabytes * MIB);
            for (int where : new int[] {0, megabytes / 2, megabytes - 1}) {
                byte[] bytes = new byte[MIB / 2];
                java.util.Arrays.fill(bytes, (byte) (where + 1));
                file.seek((long) where * MIB + MIB / 2);
                file.write(bytes);
            }
        }
        return at;
    }

    private static long blocks(Path file) {
        return Long.parseLong(
                Command.of("stat", "--format=%b", file.toString()).output().strip());
    }

    private interface On {
        void run(Path mounted) throws Exception;
    }

    private void mounted(String type, int megabytes, List<String> options, On work) throws Exception {
        Path image = folder.resolve(type + ".img");
        Path target = folder.resolve(type);
        Command.of("truncate", "--size=" + megabytes + "M", image.toString()).output();
        List<String> make = new ArrayList<>(List.of("mkfs." + type, "-q"));
        make.addAll(options);
        make.add(image.toString());
        Command.of(make).output();
        Mounts.mount(type, "loop", image.toString(), target);
        try {
            work.run(target);
        } finally {
            Mounts.unmount(target);
        }
    }

    @Test
    void copy_onXfs_sharesBlocksAndTakesNoSpace() throws Exception {
        mounted("xfs", 400, List.of("-m", "reflink=1"), at -> {
            Path from = sparse(at.resolve("from"), 200);
            assertThat(FileCopy.shares(at)).isTrue();
            long before = Files.getFileStore(at).getUsableSpace();
            List<Long> pieces = new ArrayList<>();
            assertThat(FileCopy.copy(from, at.resolve("to"), pieces::add)).isEqualTo(FileCopy.Method.REFLINK);
            assertThat(pieces).isEmpty();
            assertThat(Files.mismatch(from, at.resolve("to"))).isEqualTo(-1);
            assertThat(before - Files.getFileStore(at).getUsableSpace()).isLessThan(MIB);
            // Written to on one side, it stays as it was on the other.
            try (RandomAccessFile file = new RandomAccessFile(from.toFile(), "rw")) {
                file.seek(MIB / 2);
                file.write(99);
            }
            assertThat(Files.mismatch(from, at.resolve("to"))).isEqualTo(MIB / 2);
        });
    }

    @Test
    void copy_onExt4_copiesDataAndLeavesHoles() throws Exception {
        mounted("ext4", 300, List.of("-F"), at -> {
            Path from = sparse(at.resolve("from"), 100);
            assertThat(FileCopy.shares(at)).isFalse();
            List<Long> pieces = new ArrayList<>();
            assertThat(FileCopy.copy(from, at.resolve("to"), pieces::add)).isEqualTo(FileCopy.Method.COPY);
            assertThat(Files.mismatch(from, at.resolve("to"))).isEqualTo(-1);
            assertThat(blocks(at.resolve("to"))).isLessThan(3 * 2048);
            assertThat(FileCopy.allocated(at.resolve("to"))).isEqualTo(blocks(at.resolve("to")) * 512);
            assertThat(FileCopy.allocated(at.resolve("none"))).isZero();
            assertThat(pieces).isSorted().hasSizeGreaterThanOrEqualTo(3);
        });
    }

    @Test
    void copy_withoutRoom_saysSoAndLeavesNothing() throws Exception {
        mounted("ext4", 40, List.of("-F", "-m", "0"), at -> {
            Path from = folder.resolve("from");
            Files.write(from, new byte[60 * MIB]);
            assertThatThrownBy(() -> FileCopy.copy(from, at.resolve("to"), bytes -> {}))
                    .isInstanceOf(FailedException.class)
                    .hasMessageContaining("the disk is full");
            try (Stream<Path> left = Files.list(at)) {
                assertThat(left.map(p -> p.getFileName().toString())).containsOnly("lost+found");
            }
        });
    }

    @Test
    void copy_interrupted_endsSoonAndLeavesNothing() throws Exception {
        Path from = folder.resolve("from");
        Files.write(from, new byte[64 * MIB]);
        Path to = folder.resolve("to");
        Thread here = Thread.currentThread();
        AtomicReference<Thread> copier = new AtomicReference<>(here);
        assertThatThrownBy(() -> FileCopy.copy(from, to, bytes -> copier.get().interrupt()))
                .isInstanceOf(InterruptedException.class);
        boolean _ = Thread.interrupted();
        assertThat(to).doesNotExist();
        assertThat(folder.resolve("to.half")).doesNotExist();
    }

    @Test
    void ext4_made_isReadWithoutMounting() throws Exception {
        Path image = folder.resolve("disk");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(64L * MIB);
        }
        assertThat(Ext4.read(image)).isEmpty();
        Ext4.make(image);
        Ext4.Space space = Ext4.read(image).orElseThrow();
        assertThat(space.bytes()).isEqualTo(64L * MIB);
        assertThat(space.available()).isEqualTo(space.free()).isLessThan(space.blocks());
        assertThat(blocks(image)).isLessThan(64L * MIB / 512 / 4);
    }

    /** A superblock is a claim by whoever wrote it. */
    @Test
    void ext4_nonsense_isNothing() throws Exception {
        Path image = folder.resolve("disk");
        byte[] bytes = new byte[4096];
        java.util.Arrays.fill(bytes, (byte) 0xff);
        Files.write(image, bytes);
        assertThat(Ext4.read(image)).isEmpty();
        bytes[1024 + 0x38] = 0x53;
        bytes[1024 + 0x39] = (byte) 0xef;
        Files.write(image, bytes);
        assertThat(Ext4.read(image)).isEmpty();
        Files.write(image, new byte[100]);
        assertThat(Ext4.read(image)).isEmpty();
    }
}
