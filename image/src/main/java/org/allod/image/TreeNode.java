package org.allod.image;

import java.util.Map;
import java.util.TreeMap;

/**
 * A node of a file system tree, without its name: a hard link is two names for one node. Link targets and names hold
 * one character per byte, as in {@link TarEntry}.
 */
sealed interface TreeNode {
    Meta meta();

    /**
     * Owner, mode, time and extended attributes.
     *
     * @param mode permission bits, with set-user-id, set-group-id and sticky
     * @param mtime seconds since the epoch
     */
    record Meta(int mode, int uid, int gid, long mtime, Map<String, byte[]> xattrs) {
        /** For a folder that no layer declares but that has children. */
        static final Meta IMPLIED = new Meta(0755, 0, 0, 0, Map.of());
    }

    /** A folder. The only mutable node: a later layer may change its attributes and add children. */
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
     * A name's entry in a folder.
     *
     * @param layer the last layer that declared it: a whiteout hides what lower layers declared
     */
    record Slot(TreeNode node, int layer) {}

    /**
     * A file. Files are compared by identity, because two with equal fields are still two files.
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
