package org.allod.linux;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Optional;
import org.allod.base.FailedException;

/**
 * ext4 file systems in files: makes one, and reads the used and free space of one without mounting it. Reading parses
 * only numbers in the 1024 bytes of the superblock, so it is safe on a file system that a hostile guest has written;
 * the result is then that guest's claim.
 */
public final class Ext4 {
    private static final int SUPERBLOCK = 1024;
    private static final int MAGIC = 0xef53;
    private static final Duration MAKING = Duration.ofMinutes(2);

    private Ext4() {}

    /**
     * The size and free space of a file system, in blocks.
     *
     * @param blockSize bytes of a block
     * @param blocks the number of blocks
     * @param free unused blocks
     * @param available unused blocks that are not reserved for root
     */
    public record Space(long blockSize, long blocks, long free, long available) {
        public long bytes() {
            return blockSize * blocks;
        }

        public long used() {
            return blockSize * (blocks - free);
        }
    }

    /**
     * Makes an empty file system that fills {@code image}, replacing its content. The first mount zeroes the tables in
     * the background; otherwise a terabyte would take minutes, and space for zeros.
     */
    public static void make(Path image) {
        var _ = Command.of(
                        "mkfs.ext4",
                        "-q",
                        "-F",
                        "-m",
                        "0",
                        "-E",
                        "lazy_itable_init=1,lazy_journal_init=1,nodiscard",
                        image.toString())
                .timeout(MAKING)
                .output();
    }

    /** Reads the superblock in {@code image}; empty if there is no valid one. */
    public static Optional<Space> read(Path image) {
        ByteBuffer block = ByteBuffer.allocate(SUPERBLOCK).order(ByteOrder.LITTLE_ENDIAN);
        try (FileChannel channel = FileChannel.open(image, StandardOpenOption.READ)) {
            while (block.hasRemaining() && channel.read(block, SUPERBLOCK + block.position()) >= 0) {
                // Read on until it is whole.
            }
        } catch (IOException e) {
            throw new FailedException("cannot read the file system in " + image + ": " + e.getMessage(), e);
        }
        return block.hasRemaining() ? Optional.empty() : parse(block);
    }

    /** Offsets as in the kernel's {@code struct ext4_super_block}. */
    static Optional<Space> parse(ByteBuffer block) {
        int shift = block.getInt(0x18);
        if ((block.getShort(0x38) & 0xffff) != MAGIC || shift < 0 || shift > 6) {
            return Optional.empty();
        }
        long blocks = wide(block, 0x4, 0x150);
        long reserved = wide(block, 0x8, 0x154);
        long free = wide(block, 0xc, 0x158);
        if (blocks <= 0 || blocks > 1L << 44 || free < 0 || free > blocks || reserved < 0 || reserved > blocks) {
            return Optional.empty();
        }
        return Optional.of(new Space(1024L << shift, blocks, free, Math.max(0, free - reserved)));
    }

    private static long wide(ByteBuffer block, int low, int high) {
        return ((long) block.getInt(high) << 32) | (block.getInt(low) & 0xffff_ffffL);
    }
}
