package org.allod.image;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.allod.base.Bug;

/**
 * Writes a {@link RootfsTree} as a layer: names in byte order, no time later than a given one, and nothing that depends
 * on the day, the builder or the disk. The same tree gives the same bytes.
 */
final class LayerWriter {
    private static final int BLOCK = 512;
    private static final long OCTAL_SIZE = 1L << 33;
    private static final int OCTAL_ID = 1 << 21;

    private final OutputStream out;
    private final FileContentStore contents;
    private final RootfsTree tree;
    private final long latest;
    private final IdentityHashMap<TreeNode, String> written = new IdentityHashMap<>();

    private LayerWriter(OutputStream out, RootfsTree tree, FileContentStore contents, long latest) {
        this.out = out;
        this.tree = tree;
        this.contents = contents;
        this.latest = latest;
    }

    static void write(RootfsTree tree, FileContentStore contents, long latest, OutputStream out) throws IOException {
        LayerWriter writer = new LayerWriter(out, tree, contents, latest);
        try {
            tree.visit(writer::entry);
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
        out.write(new byte[2 * BLOCK]);
    }

    private void entry(String path, TreeNode node) {
        String name = path.substring(1);
        try {
            switch (node) {
                case TreeNode.Folder folder -> header('5', name + "/", "", 0, folder.meta(), 0, 0);
                case TreeNode.Symlink link -> header('2', name, link.target(), 0, link.meta(), 0, 0);
                case TreeNode.Special special -> {
                    char type = switch (special.kind()) {
                        case CHARACTER -> '3';
                        case BLOCK -> '4';
                        case FIFO -> '6';
                    };
                    header(type, name, "", 0, special.meta(), special.major(), special.minor());
                }
                case TreeNode.File file -> file(name, file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void file(String name, TreeNode.File file) throws IOException {
        if (tree.shared(file)) {
            String first = written.putIfAbsent(file, name);
            if (first != null) {
                header('1', name, first, 0, file.meta(), 0, 0);
                return;
            }
        }
        header('0', name, "", file.size(), file.meta(), 0, 0);
        long copied = Files.copy(contents.path(file.content()), out);
        if (copied != file.size()) {
            throw new IOException(
                    "a file changed its size while the layer was written: " + UntrustedText.printable(name));
        }
        pad(file.size());
    }

    private void header(char type, String name, String link, long size, TreeNode.Meta meta, int major, int minor)
            throws IOException {
        Map<String, byte[]> extended = new TreeMap<>();
        if (name.length() > 100) {
            extended.put("path", name.getBytes(ISO_8859_1));
        }
        if (link.length() > 100) {
            extended.put("linkpath", link.getBytes(ISO_8859_1));
        }
        if (size >= OCTAL_SIZE) {
            extended.put("size", Long.toString(size).getBytes(ISO_8859_1));
        }
        if (Integer.compareUnsigned(meta.uid(), OCTAL_ID) >= 0) {
            extended.put("uid", Integer.toUnsignedString(meta.uid()).getBytes(ISO_8859_1));
        }
        if (Integer.compareUnsigned(meta.gid(), OCTAL_ID) >= 0) {
            extended.put("gid", Integer.toUnsignedString(meta.gid()).getBytes(ISO_8859_1));
        }
        meta.xattrs().forEach((key, value) -> extended.put("SCHILY.xattr." + key, value));
        if (!extended.isEmpty()) {
            byte[] records = records(extended);
            out.write(block('x', "", "", records.length, TreeNode.Meta.IMPLIED, 0, 0));
            out.write(records);
            pad(records.length);
        }
        out.write(block(type, name, link, size, meta, major, minor));
    }

    /** The length at the start of a record includes its own digits. */
    private static byte[] records(Map<String, byte[]> extended) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        extended.forEach((key, value) -> {
            int rest = key.length() + value.length + 3;
            int length = rest + Integer.toString(rest).length();
            if (Integer.toString(length).length() > Integer.toString(rest).length()) {
                length++;
            }
            all.writeBytes((length + " " + key + "=").getBytes(ISO_8859_1));
            all.writeBytes(value);
            all.write('\n');
        });
        return all.toByteArray();
    }

    private byte[] block(char type, String name, String link, long size, TreeNode.Meta meta, int major, int minor) {
        byte[] block = new byte[BLOCK];
        text(block, 0, 100, name);
        octal(block, 100, 8, meta.mode());
        octal(block, 108, 8, Integer.toUnsignedLong(meta.uid()) % OCTAL_ID);
        octal(block, 116, 8, Integer.toUnsignedLong(meta.gid()) % OCTAL_ID);
        octal(block, 124, 12, size % OCTAL_SIZE);
        octal(block, 136, 12, Math.min(meta.mtime(), latest));
        block[156] = (byte) type;
        text(block, 157, 100, link);
        text(block, 257, 6, "ustar");
        text(block, 263, 2, "00");
        octal(block, 329, 8, major);
        octal(block, 337, 8, minor);
        int sum = 8 * ' ';
        for (byte b : block) {
            sum += b & 0xff;
        }
        octal(block, 148, 7, sum);
        block[155] = ' ';
        return block;
    }

    private static void text(byte[] block, int at, int room, String text) {
        byte[] bytes = text.getBytes(ISO_8859_1);
        System.arraycopy(bytes, 0, block, at, Math.min(room, bytes.length));
    }

    private static void octal(byte[] block, int at, int room, long value) {
        String digits = Long.toOctalString(value);
        if (digits.length() >= room) {
            throw new Bug("a number does not fit its field of a tar header: " + value);
        }
        text(block, at, room - 1, "0".repeat(room - 1 - digits.length()) + digits);
    }

    private void pad(long size) throws IOException {
        out.write(new byte[(int) ((BLOCK - size % BLOCK) % BLOCK)]);
    }
}
