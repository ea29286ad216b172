package org.allod.image;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Arrays;

/**
 * Reads an uncompressed EROFS image as the kernel's documentation of the format describes it, without mounting it: a
 * crash leaves nothing behind, and no kernel parses untrusted data. Little endian throughout. An inode's number is its
 * offset in units of 32 bytes; its data are consecutive whole blocks, and the rest of the last block follows the inode
 * itself. Folders are blocks of entries sorted by name.
 *
 * <p>Every offset and length is checked against the file, so that a damaged image results in an {@link IOException} and
 * never in wrong data or an endless loop.
 */
final class ErofsReader {
    private static final int SUPERBLOCK = 1024;
    private static final int MAGIC = 0xe0f5e1e2;
    private static final int DEVICE_TABLE = 0x8;
    private static final int FLAT_PLAIN = 0;
    private static final int FLAT_INLINE = 2;
    private static final int ENTRY = 12;

    private final FileChannel file;
    private final long bytes;
    private final int blockBits;
    private final int block;
    private final long inodesAt;
    private final int rootNumber;
    private final Instant built;

    /**
     * @param mode type and permissions, as {@code st_mode} has them
     * @param plainAt offset of its whole blocks
     * @param plainBytes their length; the rest is at {@code tailAt}
     */
    record Inode(long number, int mode, long size, Instant modified, long plainAt, long plainBytes, long tailAt) {
        private static final int TYPE = 0170000;

        boolean folder() {
            return (mode & TYPE) == 0040000;
        }

        boolean regular() {
            return (mode & TYPE) == 0100000;
        }

        boolean link() {
            return (mode & TYPE) == 0120000;
        }
    }

    ErofsReader(FileChannel file) throws IOException {
        this.file = file;
        bytes = file.size();
        ByteBuffer head = bytes(SUPERBLOCK, 128);
        if (head.getInt(0) != MAGIC) {
            throw new IOException("this is no EROFS image");
        }
        blockBits = head.get(12);
        if (blockBits < 9 || blockBits > 16 || (head.getInt(80) & DEVICE_TABLE) != 0) {
            throw damaged("its superblock is not one that is made here");
        }
        block = 1 << blockBits;
        rootNumber = Short.toUnsignedInt(head.getShort(14));
        inodesAt = Integer.toUnsignedLong(head.getInt(40)) << blockBits;
        built = instant(head.getLong(24), head.getInt(32));
    }

    Inode root() throws IOException {
        return inode(rootNumber);
    }

    Inode inode(long number) throws IOException {
        if (number < 0 || number > (bytes >> 5)) {
            throw damaged("inode " + number + " is beyond its end");
        }
        long at = inodesAt + (number << 5);
        ByteBuffer raw = bytes(at, 32);
        int format = Short.toUnsignedInt(raw.getShort(0));
        boolean extended = (format & 1) != 0;
        if (extended) {
            raw = bytes(at, 64);
        }
        int mode = Short.toUnsignedInt(raw.getShort(4));
        long size = extended ? raw.getLong(8) : Integer.toUnsignedLong(raw.getInt(8));
        Instant modified = extended ? instant(raw.getLong(32), raw.getInt(40)) : built;
        int attributes = Short.toUnsignedInt(raw.getShort(2));
        long behind = at + (extended ? 64 : 32) + (attributes == 0 ? 0 : 12 + 4L * (attributes - 1));
        long plainAt = Integer.toUnsignedLong(raw.getInt(16)) << blockBits;
        long plain = switch ((format >> 1) & 7) {
            case FLAT_PLAIN -> size;
            case FLAT_INLINE -> size <= 0 ? 0 : ((size - 1) >> blockBits) << blockBits;
            default -> throw damaged("inode " + number + " is laid out in a way that is not made here");
        };
        if (size < 0 || size > bytes || (plain > 0 && plainAt > bytes - plain) || behind > bytes - (size - plain)) {
            throw damaged("the data of inode " + number + " are beyond its end");
        }
        return new Inode(number, mode, size, modified, plainAt, plain, behind);
    }

    /** The inode number of this name, or -1. */
    long find(Inode folder, byte[] name) throws IOException {
        long low = 0;
        long high = ((folder.size + block - 1) >> blockBits) - 1;
        while (low <= high) {
            long middle = (low + high) >>> 1;
            Entries entries = entries(folder, middle);
            if (Arrays.compareUnsigned(name, entries.name(0)) < 0) {
                high = middle - 1;
                continue;
            }
            for (int i = 0; i < entries.count; i++) {
                if (Arrays.equals(name, entries.name(i))) {
                    return entries.raw.getLong(i * ENTRY);
                }
            }
            if (Arrays.compareUnsigned(name, entries.name(entries.count - 1)) < 0) {
                return -1;
            }
            low = middle + 1;
        }
        return -1;
    }

    /** One block of a folder: fixed-size entries first, followed by their names. */
    private record Entries(ByteBuffer raw, int count) {
        byte[] name(int i) throws IOException {
            int from = Short.toUnsignedInt(raw.getShort(i * ENTRY + 8));
            int to = i + 1 < count ? Short.toUnsignedInt(raw.getShort((i + 1) * ENTRY + 8)) : raw.limit();
            if (from < count * ENTRY || to < from || to > raw.limit()) {
                throw damaged("an entry of a folder is beyond its block");
            }
            byte[] name = new byte[to - from];
            raw.get(from, name);
            int end = 0;
            while (end < name.length && name[end] != 0) {
                end++;
            }
            return end == name.length ? name : Arrays.copyOf(name, end);
        }
    }

    private Entries entries(Inode folder, long which) throws IOException {
        long at = which << blockBits;
        ByteBuffer raw =
                ByteBuffer.allocate((int) Math.min(block, folder.size - at)).order(ByteOrder.LITTLE_ENDIAN);
        while (raw.hasRemaining()) {
            read(folder, raw, at + raw.position());
        }
        raw.flip();
        int names = raw.limit() < ENTRY ? 0 : Short.toUnsignedInt(raw.getShort(8));
        if (names < ENTRY || names % ENTRY != 0 || names > raw.limit()) {
            throw damaged("a block of a folder has no entries");
        }
        return new Entries(raw, names / ENTRY);
    }

    /** Reads at least one byte of an inode's data; the caller stays within its size. */
    int read(Inode inode, ByteBuffer into, long at) throws IOException {
        boolean tail = at >= inode.plainBytes;
        long left = (tail ? inode.size : inode.plainBytes) - at;
        if (left <= 0) {
            throw new EOFException("read beyond the end of inode " + inode.number);
        }
        long from = tail ? inode.tailAt + at - inode.plainBytes : inode.plainAt + at;
        int limit = into.limit();
        into.limit((int) Math.min(limit, into.position() + Math.min(left, into.remaining())));
        try {
            int count = file.read(into, from);
            if (count <= 0) {
                throw damaged("it is shorter than it was");
            }
            return count;
        } finally {
            into.limit(limit);
        }
    }

    private ByteBuffer bytes(long at, int count) throws IOException {
        if (at < 0 || at > bytes - count) {
            throw damaged("something it names is beyond its end");
        }
        ByteBuffer into = ByteBuffer.allocate(count).order(ByteOrder.LITTLE_ENDIAN);
        while (into.hasRemaining()) {
            if (file.read(into, at + into.position()) <= 0) {
                throw damaged("it is shorter than it was");
            }
        }
        return into.flip();
    }

    private static Instant instant(long seconds, int nanos) throws IOException {
        try {
            return Instant.ofEpochSecond(seconds, nanos);
        } catch (DateTimeException | ArithmeticException e) {
            throw damaged("a time in it is none");
        }
    }

    private static IOException damaged(String why) {
        return new IOException("the root image is damaged: " + why);
    }
}
