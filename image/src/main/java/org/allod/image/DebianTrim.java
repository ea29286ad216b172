package org.allod.image;

import java.util.List;

/** What an installed Debian holds that an image should not: traces of the day and the builder, caches, documentation. */
final class DebianTrim {
    /** Copyright files stay: packages may be passed on only with them. */
    static final List<String> DOCUMENTATION = List.of(
            "usr/share/doc",
            "usr/share/man",
            "usr/share/info",
            "usr/share/locale",
            "usr/share/lintian",
            "usr/share/bug");

    /** The host's own sources, names and resolver; logs, caches, and the backups dpkg keeps of its lists. */
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

    private DebianTrim() {}

    static void trim(Tree tree) {
        TRACES.forEach(tree::remove);
        // The guest brings its own devices; a pipe or node in the image would only be in their way.
        empty(tree, "dev");
        empty(tree, "run");
        empty(tree, "tmp");
        empty(tree, "var/tmp");
        if (tree.at("var/log") instanceof Node.Folder logs) {
            files(logs);
        }
    }

    private static void empty(Tree tree, String path) {
        if (tree.at(path) instanceof Node.Folder folder) {
            folder.children.clear();
        }
    }

    /** Folders stay, with their owners: a server that logs to a file expects its own. */
    private static void files(Node.Folder folder) {
        folder.children.values().removeIf(slot -> !(slot.node() instanceof Node.Folder));
        folder.children.values().forEach(slot -> {
            if (slot.node() instanceof Node.Folder below) {
                files(below);
            }
        });
    }
}
