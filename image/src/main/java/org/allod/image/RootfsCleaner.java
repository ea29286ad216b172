package org.allod.image;

import java.util.List;

/**
 * Removes what an installed Debian holds and an image should not: traces of the day and the builder, caches,
 * documentation.
 */
final class RootfsCleaner {
    /** Documentation to remove. Copyright files stay, because packages may be redistributed only with them. */
    static final List<String> DOCUMENTATION = List.of(
            "usr/share/doc",
            "usr/share/man",
            "usr/share/info",
            "usr/share/locale",
            "usr/share/lintian",
            "usr/share/bug");

    /** Traces to remove: the host's sources, names and resolver; logs, caches, and dpkg's backups. */
    private static final List<String> TRACES = List.of(
            "etc/apt",
            "etc/hostname",
            "etc/resolv.conf",
            "etc/machine-id",
            "var/lib/dbus/machine-id",
            "var/lib/apt",
            "var/cache/apt",
            "var/cache/debconf",
            "var/cache/ldconfig",
            "var/lib/dpkg/status-old",
            "var/lib/dpkg/available-old",
            "var/lib/dpkg/diversions-old",
            "var/lib/dpkg/statoverride-old",
            "var/lib/dpkg/lock",
            "var/lib/dpkg/lock-frontend",
            "var/lib/systemd/random-seed");

    private RootfsCleaner() {}

    static void trim(RootfsTree tree) {
        TRACES.forEach(tree::remove);
        // The guest provides its own devices; nodes in the image would only be in their way.
        emptyDirectory(tree, "dev");
        emptyDirectory(tree, "run");
        emptyDirectory(tree, "tmp");
        emptyDirectory(tree, "var/tmp");
        if (tree.at("var/log") instanceof TreeNode.Folder logs) {
            files(logs);
        }
    }

    private static void emptyDirectory(RootfsTree tree, String path) {
        if (tree.at(path) instanceof TreeNode.Folder folder) {
            folder.children.clear();
        }
    }

    /** Removes files but keeps folders with their owners: a server that logs to a file expects its folder. */
    private static void files(TreeNode.Folder folder) {
        folder.children.values().removeIf(slot -> !(slot.node() instanceof TreeNode.Folder));
        folder.children.values().forEach(slot -> {
            if (slot.node() instanceof TreeNode.Folder below) {
                files(below);
            }
        });
    }
}
