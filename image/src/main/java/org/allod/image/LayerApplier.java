package org.allod.image;

import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.Map;
import org.allod.base.RejectedException;

/** Applies the entries of a layer to a {@link RootfsTree}. Whiteouts are handled there. For one thread. */
final class LayerApplier {
    private static final int XATTR_BYTES = 64 << 10;

    /** The latest time that both ext4 and EROFS can store; a later one in an image is clamped. */
    private static final long LATEST = 0xffff_ffffL;

    private final RootfsTree tree;
    private final FileContentStore contents;
    private final byte[] buffer = new byte[1 << 16];

    LayerApplier(RootfsTree tree, FileContentStore contents) {
        this.tree = tree;
        this.contents = contents;
    }

    /** Reads {@code tar} to its end, past the last entry, so that a digest computed on the way covers all of it. */
    void apply(InputStream tar, int layer) throws IOException {
        TarReader reader = new TarReader(tar);
        for (TarEntry entry = reader.next(); entry != null; entry = reader.next()) {
            apply(entry, reader, layer);
        }
        while (tar.read(buffer) >= 0) {
            // padding after the end of the archive
        }
    }

    private void apply(TarEntry entry, TarReader reader, int layer) throws IOException {
        SpaceGuard.goOn(); // an archive can consist of names without content
        TreeNode.Meta meta = kept(entry.meta());
        switch (entry.type()) {
            case FOLDER -> tree.put(entry.path(), new TreeNode.Folder(meta), layer);
            case HARD_LINK -> tree.link(entry.path(), entry.link(), layer);
            case SYMLINK -> {
                if (entry.link().isEmpty()
                        || entry.link().length() > ImageLimits.PATH_BYTES
                        || entry.link().indexOf(0) >= 0) {
                    throw RejectedException.invalid("the image has a symbolic link to an impossible path: "
                            + UntrustedText.printable(entry.path()));
                }
                tree.put(entry.path(), new TreeNode.Symlink(meta, entry.link()), layer);
            }
            case FIFO -> tree.put(entry.path(), special(meta, TreeNode.Special.Kind.FIFO, 0, 0), layer);
            case BLOCK_DEVICE ->
                tree.put(entry.path(), special(meta, TreeNode.Special.Kind.BLOCK, entry.major(), entry.minor()), layer);
            case CHARACTER_DEVICE -> {
                // Device 0:0 is overlayfs's own whiteout marker: under a machine's writable layer it would hide a file.
                if (entry.major() != 0 || entry.minor() != 0) {
                    tree.put(
                            entry.path(),
                            special(meta, TreeNode.Special.Kind.CHARACTER, entry.major(), entry.minor()),
                            layer);
                }
            }
            case FILE -> {
                long content = contents.write(out -> {
                    for (int n = reader.read(buffer); n >= 0; n = reader.read(buffer)) {
                        out.write(buffer, 0, n);
                    }
                });
                tree.put(entry.path(), new TreeNode.File(meta, entry.size(), content), layer);
            }
        }
    }

    private static TreeNode.Special special(TreeNode.Meta meta, TreeNode.Special.Kind kind, int major, int minor) {
        if (major < 0 || major > 0xfff || minor < 0 || minor > 0xfffff) {
            throw RejectedException.invalid("the image has a device with an impossible number: " + major + ":" + minor);
        }
        return new TreeNode.Special(meta, kind, major, minor);
    }

    /**
     * Keeps only extended attributes that are meaningful inside a machine. Those of overlayfs ({@code
     * trusted.overlay.*}) would control the host's or the guest's own overlay, and labels of the builder's security
     * module mean nothing here.
     */
    private static TreeNode.Meta kept(TreeNode.Meta meta) {
        Map<String, byte[]> kept = new HashMap<>();
        meta.xattrs().forEach((name, value) -> {
            boolean wanted = name.equals("security.capability")
                    || (name.startsWith("user.") && !name.startsWith("user.overlay."))
                    || name.startsWith("system.posix_acl_");
            if (!wanted) {
                return;
            }
            if (value.length > XATTR_BYTES || name.length() > ImageLimits.NAME_BYTES || name.indexOf('\0') >= 0) {
                throw RejectedException.because(
                        RejectedException.Reason.TOO_LARGE,
                        "the image has an extended attribute out of bounds: " + UntrustedText.printable(name));
            }
            kept.put(name, value);
        });
        long mtime = Math.clamp(meta.mtime(), 0, LATEST);
        return new TreeNode.Meta(meta.mode(), meta.uid(), meta.gid(), mtime, Map.copyOf(kept));
    }
}
