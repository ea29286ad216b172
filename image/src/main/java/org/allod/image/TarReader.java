package org.allod.image;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.Map;
import org.allod.base.RejectedException;
import org.jspecify.annotations.Nullable;

/**
 * Reads a tar archive: POSIX ustar and pax, and GNU's long names. Streaming, and bounded whatever the archive claims.
 *
 * <p>Not commons-compress (1.28), because it reads extended attributes as UTF-8 text, which destroys a binary {@code
 * security.capability}, and reads a long name of any length into memory: docs/decisions/041. Accepts what Go's
 * archive/tar accepts in an image, except sparse files.
 *
 * <p>For one thread.
 */
final class TarReader {
    private static final int BLOCK = 512;
    private static final String XATTR = "SCHILY.xattr.";

    private final InputStream in;
    private final byte[] block = new byte[BLOCK];
    private long left;
    private long padding;

    TarReader(InputStream in) {
        this.in = in;
    }

    /** The next entry, or null at the end of the archive. Skips unread content of the last one. */
    @Nullable
    TarEntry next() throws IOException {
        skip(left + padding);
        left = 0;
        padding = 0;
        Extended extended = new Extended();
        while (readBlock()) {
            checkSum();
            char type = (char) (block[156] & 0xff);
            long size = number(124, 12);
            if (size < 0) {
                throw damaged("an entry has a negative size");
            }
            switch (type) {
                case 'x' -> extended.read(header(size));
                case 'g' -> header(size); // comments on the archive as a whole
                case 'L' -> extended.path = upToNul(header(size));
                case 'K' -> extended.link = upToNul(header(size));
                default -> {
                    return entry(type, size, extended);
                }
            }
        }
        return null;
    }

    /** Reads from the content of the current entry; -1 at its end. */
    int read(byte[] into) throws IOException {
        if (left == 0) {
            return -1;
        }
        int n = in.read(into, 0, (int) Math.min(into.length, left));
        if (n < 0) {
            throw new EOFException("the archive ends inside a file");
        }
        left -= n;
        return n;
    }

    private TarEntry entry(char flag, long size, Extended extended) throws IOException {
        String path = extended.path != null ? extended.path : path();
        TarEntry.Type type = switch (flag) {
            case '0', '\0', '7' -> path.endsWith("/") ? TarEntry.Type.FOLDER : TarEntry.Type.FILE;
            case '1' -> TarEntry.Type.HARD_LINK;
            case '2' -> TarEntry.Type.SYMLINK;
            case '3' -> TarEntry.Type.CHARACTER_DEVICE;
            case '4' -> TarEntry.Type.BLOCK_DEVICE;
            case '5' -> TarEntry.Type.FOLDER;
            case '6' -> TarEntry.Type.FIFO;
            default ->
                throw RejectedException.because(
                        RejectedException.Reason.UNSUPPORTED,
                        "the archive has an entry of type '" + UntrustedText.printable(String.valueOf(flag)) + "' ("
                                + UntrustedText.printable(path) + "), which Allod does not take",
                        "build the image without sparse files and vendor extensions");
        };
        long content = type == TarEntry.Type.FILE ? extended.size >= 0 ? extended.size : size : 0;
        left = content;
        padding = (BLOCK - content % BLOCK) % BLOCK;
        return new TarEntry(
                type,
                path,
                extended.link != null ? extended.link : text(157, 100),
                content,
                (int) (number(100, 8) & 07777),
                id(extended.uid >= 0 ? extended.uid : number(108, 8), path),
                id(extended.gid >= 0 ? extended.gid : number(116, 8), path),
                extended.mtimeSet ? extended.mtime : number(136, 12),
                (int) number(329, 8),
                (int) number(337, 8),
                Map.copyOf(extended.xattrs));
    }

    /** 4294967295 is not a valid owner: to the kernel it means "do not change". */
    private static int id(long id, String path) {
        if (id < 0 || id >= 0xffff_ffffL) {
            throw RejectedException.invalid(
                    "the archive gives " + UntrustedText.printable(path) + " an impossible owner: " + id);
        }
        return (int) id;
    }

    private String path() {
        String name = text(0, 100);
        // GNU's own format uses the space of ustar's prefix for other fields; its magic ends in spaces.
        boolean ustar = block[257] == 'u' && block[261] == 'r' && block[262] == 0;
        String prefix = ustar ? text(345, 155) : "";
        return prefix.isEmpty() ? name : prefix + "/" + name;
    }

    private boolean readBlock() throws IOException {
        int n = in.readNBytes(block, 0, BLOCK);
        if (n == 0) {
            return false; // without the two empty blocks at the end: common, and harmless
        }
        if (n < BLOCK) {
            throw new EOFException("the archive ends inside a header");
        }
        for (byte b : block) {
            if (b != 0) {
                return true;
            }
        }
        return false;
    }

    private void checkSum() {
        int unsigned = 0;
        int signed = 0;
        for (int i = 0; i < BLOCK; i++) {
            byte b = i >= 148 && i < 156 ? (byte) ' ' : block[i];
            unsigned += b & 0xff;
            signed += b;
        }
        long said = number(148, 8);
        if (said != unsigned && said != signed) {
            throw damaged("a header's checksum is wrong");
        }
    }

    private byte[] header(long size) throws IOException {
        if (size > ImageLimits.HEADER_BYTES) {
            throw RejectedException.because(
                    RejectedException.Reason.TOO_LARGE,
                    "the archive has an extended header of " + size + " bytes; the bound is "
                            + ImageLimits.HEADER_BYTES);
        }
        byte[] content = in.readNBytes((int) size);
        if (content.length < size) {
            throw new EOFException("the archive ends inside an extended header");
        }
        skip((BLOCK - size % BLOCK) % BLOCK);
        return content;
    }

    private void skip(long count) throws IOException {
        try {
            in.skipNBytes(count);
        } catch (EOFException e) {
            throw new EOFException("the archive ends inside a file");
        }
    }

    private String text(int offset, int length) {
        int end = offset;
        while (end < offset + length && block[end] != 0) {
            end++;
        }
        return new String(block, offset, end - offset, ISO_8859_1);
    }

    private static String upToNul(byte[] content) {
        int end = 0;
        while (end < content.length && content[end] != 0) {
            end++;
        }
        return new String(content, 0, end, ISO_8859_1);
    }

    /** Octal digits with padding, or a binary number if the top bit is set. */
    private long number(int offset, int length) {
        if ((block[offset] & 0x80) != 0) {
            long value = (block[offset] & 0x40) != 0 ? -1L << 6 | (block[offset] & 0x3f) : block[offset] & 0x3f;
            for (int i = offset + 1; i < offset + length; i++) {
                if (value > Long.MAX_VALUE >> 8 || value < Long.MIN_VALUE >> 8) {
                    throw damaged("a number in a header is out of range");
                }
                value = value << 8 | (block[i] & 0xff);
            }
            return value;
        }
        long value = 0;
        boolean ended = false;
        for (int i = offset; i < offset + length; i++) {
            int c = block[i];
            if (c >= '0' && c <= '7' && !ended) {
                value = value << 3 | (c - '0');
            } else if (c == ' ' || c == 0) {
                ended = ended || value != 0;
            } else {
                throw damaged("a number in a header is not octal");
            }
        }
        return value;
    }

    static RejectedException damaged(String how) {
        return RejectedException.because(
                RejectedException.Reason.INVALID,
                "the archive is damaged or is no tar archive: " + how,
                "build or fetch it again");
    }

    /** The extended headers for the entry that follows them. */
    private static final class Extended {
        @Nullable
        String path;

        @Nullable
        String link;

        long size = -1;
        long uid = -1;
        long gid = -1;
        long mtime;
        boolean mtimeSet;
        final Map<String, byte[]> xattrs = new HashMap<>();

        /** Reads records of the form {@code "LENGTH KEY=VALUE\n"}, where the length includes itself. */
        void read(byte[] records) {
            int at = 0;
            while (at < records.length && records[at] != 0) {
                int length = 0;
                int i = at;
                while (i < records.length
                        && records[i] >= '0'
                        && records[i] <= '9'
                        && length < ImageLimits.HEADER_BYTES) {
                    length = length * 10 + records[i++] - '0';
                }
                int end = at + length;
                if (i == at
                        || i >= records.length
                        || records[i] != ' '
                        || end > records.length
                        || end <= i + 1
                        || records[end - 1] != '\n') {
                    throw damaged("an extended header has no valid length");
                }
                int equals = i + 1;
                while (equals < end && records[equals] != '=') {
                    equals++;
                }
                if (equals == end) {
                    throw damaged("an extended header has no '='");
                }
                String key = new String(records, i + 1, equals - i - 1, ISO_8859_1);
                take(key, new String(records, equals + 1, end - 1 - equals - 1, ISO_8859_1));
                at = end;
            }
        }

        private void take(String key, String value) {
            switch (key) {
                case "path" -> path = value;
                case "linkpath" -> link = value;
                case "size" -> size = whole(value);
                case "uid" -> uid = whole(value);
                case "gid" -> gid = whole(value);
                case "mtime" -> {
                    int dot = value.indexOf('.');
                    String seconds = dot < 0 ? value : value.substring(0, dot);
                    mtime = seconds.startsWith("-") ? 0 : whole(seconds);
                    mtimeSet = true;
                }
                default -> {
                    if (key.startsWith(XATTR)) {
                        xattrs.put(key.substring(XATTR.length()), value.getBytes(ISO_8859_1));
                    } else if (key.startsWith("GNU.sparse.")) {
                        throw RejectedException.because(
                                RejectedException.Reason.UNSUPPORTED,
                                "the archive has a sparse file, which Allod does not take",
                                "build the image without sparse files");
                    }
                }
            }
        }

        private static long whole(String digits) {
            if (digits.isEmpty() || digits.length() > 18 || !digits.chars().allMatch(c -> c >= '0' && c <= '9')) {
                throw damaged("an extended header has an impossible number");
            }
            return Long.parseLong(digits);
        }
    }
}
