package org.allod.image;

import java.util.Map;
import java.util.TreeMap;

/**
 * Something in a file system tree, without its name: a hard link is two names for one node. Link targets and names
 * hold one character per byte, as in {@link TarEntry}.
 */
sealed interface TreeNode {
    Meta meta();

    /**
     * Owner, rights, time and extended attributes.
     *
     * @param mode permission bits, with set-user-id, set-group-id and sticky
     * @param mtime seconds since the epoch
     */
    record Meta(int mode, int uid, int gid, long mtime, Map<String, byte[]> xattrs) {
        /** Of a folder that no layer names but something lies in. */
        static final Meta IMPLIED = new Meta(0755, 0, 0, 0, Map.of());
    }

    /** A folder. The one node that changes: a later layer may give it other rights and more children. */
    final class Folder implements TreeNode {
        private Meta meta;
        final TreeMap<String, Slot> children = new TreeMap<>();

        Folder(Meta meta) {
            this.meta = meta;
        }

        @Override
        public Meta meta() {
            return meta;
        }

        void meta(Meta next) {
            meta = next;
        }
    }

    /**
     * A name's place in a folder.
     *
     * @param layer the last layer that named it: a whiteout hides what layers below it named
     */
    record Slot(TreeNode node, int layer) {}

    /**
     * A file. Two with equal fields are still two files, so they are compared by identity.
     *
     * @param content the number of its content in the {@link FileContentStore}
     */
    record File(Meta meta, long size, long content) implements TreeNode {}

    record Symlink(Meta meta, String target) implements TreeNode {}

    /** A device or a named pipe. */
    record Special(Meta meta, Kind kind, int major, int minor) implements TreeNode {
        enum Kind {
            CHARACTER,
            BLOCK,
            FIFO
        }
    }
}
