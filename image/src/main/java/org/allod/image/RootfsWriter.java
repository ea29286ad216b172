package org.allod.image;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.allod.image.TreeNode.Slot;

/**
 * Writes a {@link RootfsTree} into an empty private folder, from which a tool then makes a file system image. Contents
 * are moved out of the {@link FileContentStore}, not copied. Needs root, because it sets owners and creates devices.
 */
final class RootfsWriter {
    private final RootfsSyscalls kernel;
    private final RootfsTree tree;
    private final int contents;

    private RootfsWriter(RootfsSyscalls kernel, RootfsTree tree, int contents) {
        this.kernel = kernel;
        this.tree = tree;
        this.contents = contents;
    }

    /** Fills {@code folder}, which exists and is empty. Call on a platform thread. */
    static void write(RootfsTree tree, FileContentStore from, Path folder) throws IOException {
        try (RootfsSyscalls kernel = new RootfsSyscalls()) {
            int contents = kernel.openFolder(from.path().toString());
            int parent = kernel.openFolder(StagingFiles.parent(folder).toString());
            try {
                RootfsWriter writer = new RootfsWriter(kernel, tree, contents);
                writer.children(parent, folder.getFileName().toString(), tree.root);
            } finally {
                kernel.close(parent);
                kernel.close(contents);
            }
        }
    }

    /**
     * Writes the folder's children first, then its own mode and time, because writing into it would change the time.
     */
    private void children(int parent, String name, TreeNode.Folder folder) throws IOException {
        int here = kernel.openFolder(parent, name);
        try {
            for (Map.Entry<String, Slot> child : folder.children.entrySet()) {
                node(here, child.getKey(), child.getValue().node());
            }
        } finally {
            kernel.close(here);
        }
        dress(parent, name, folder.meta(), true);
    }

    private void node(int at, String name, TreeNode node) throws IOException {
        SpaceGuard.goOn();
        switch (node) {
            case TreeNode.Folder folder -> {
                kernel.makeFolder(at, name);
                children(at, name, folder);
            }
            case TreeNode.File file -> {
                file(at, name, file);
                dress(at, name, file.meta(), true);
            }
            case TreeNode.Symlink link -> {
                kernel.makeLink(link.target(), at, name);
                dress(at, name, link.meta(), false);
            }
            case TreeNode.Special special -> {
                int type = switch (special.kind()) {
                    case CHARACTER -> RootfsSyscalls.S_IFCHR;
                    case BLOCK -> RootfsSyscalls.S_IFBLK;
                    case FIFO -> RootfsSyscalls.S_IFIFO;
                };
                kernel.makeNode(at, name, type, special.major(), special.minor());
                dress(at, name, special.meta(), true);
            }
        }
    }

    private void file(int at, String name, TreeNode.File file) throws IOException {
        String content = Long.toString(file.content());
        if (tree.shared(file)) {
            kernel.hardLink(contents, content, at, name);
        } else {
            kernel.rename(contents, content, at, name);
        }
    }

    /** Sets attributes in this order: changing the owner clears set-user-id and capabilities. */
    private void dress(int at, String name, TreeNode.Meta meta, boolean rights) throws IOException {
        kernel.owner(at, name, meta.uid(), meta.gid());
        if (rights) {
            kernel.mode(at, name, meta.mode());
            for (Map.Entry<String, byte[]> attribute : meta.xattrs().entrySet()) {
                kernel.attribute(at, name, attribute.getKey(), attribute.getValue());
            }
        }
        kernel.time(at, name, meta.mtime());
    }
}
