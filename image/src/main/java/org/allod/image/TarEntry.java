package org.allod.image;

import java.util.Map;

/**
 * One entry of a tar archive. Paths and link targets hold one character per byte (ISO 8859-1), because a name is bytes
 * and need not be UTF-8.
 *
 * @param size bytes of content that follow; 0 for all but files
 * @param mode permission bits, with set-user-id, set-group-id and sticky
 * @param mtime seconds since the epoch
 */
record TarEntry(
        Type type,
        String path,
        String link,
        long size,
        int mode,
        int uid,
        int gid,
        long mtime,
        int major,
        int minor,
        Map<String, byte[]> xattrs) {
    enum Type {
        FILE,
        HARD_LINK,
        SYMLINK,
        CHARACTER_DEVICE,
        BLOCK_DEVICE,
        FOLDER,
        FIFO
    }

    TreeNode.Meta meta() {
        return new TreeNode.Meta(mode, uid, gid, mtime, xattrs);
    }
}
