package org.allod.image;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.allod.image.TreeNode.Meta;

/**
 * The minimum that a static program expects in a system: a folder for temporary files, the users with fixed ids in
 * Debian and, if busybox is present, a shell.
 */
final class StaticRootfs {
    private static final String PASSWD = """
            root:x:0:0:root:/root:/bin/sh
            daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
            www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
            nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
            """;
    private static final String GROUP = """
            root:x:0:
            daemon:x:1:
            tty:x:5:
            www-data:x:33:
            nogroup:x:65534:
            """;

    /** The programs that scripts and people use; busybox selects the applet by its name. */
    private static final List<String> APPLETS = List.of(
            "awk",
            "basename",
            "cat",
            "chmod",
            "chown",
            "cp",
            "cut",
            "date",
            "dd",
            "df",
            "dirname",
            "du",
            "echo",
            "env",
            "expr",
            "false",
            "find",
            "free",
            "grep",
            "gunzip",
            "gzip",
            "head",
            "hostname",
            "httpd",
            "id",
            "ip",
            "kill",
            "less",
            "ln",
            "ls",
            "mkdir",
            "mkfifo",
            "mknod",
            "mount",
            "mv",
            "nc",
            "netstat",
            "nslookup",
            "od",
            "ping",
            "printf",
            "ps",
            "pwd",
            "readlink",
            "rm",
            "rmdir",
            "sed",
            "seq",
            "sh",
            "sha256sum",
            "sleep",
            "sort",
            "stat",
            "stty",
            "sync",
            "tail",
            "tar",
            "tee",
            "test",
            "top",
            "touch",
            "tr",
            "true",
            "umount",
            "uname",
            "uniq",
            "vi",
            "wc",
            "wget",
            "which",
            "whoami",
            "xargs",
            "yes");

    private StaticRootfs() {}

    static void complete(RootfsTree tree, FileContentStore contents) throws IOException {
        for (String path : List.of("bin", "dev", "etc", "proc", "root", "run", "sys", "usr", "var")) {
            if (tree.at(path) == null) {
                tree.put(path, new TreeNode.Folder(meta(path.equals("root") ? 0700 : 0755)), 0);
            }
        }
        tree.put("tmp", new TreeNode.Folder(meta(01777)), 0);
        file(tree, contents, "etc/passwd", PASSWD);
        file(tree, contents, "etc/group", GROUP);
        if (tree.at("bin/busybox") instanceof TreeNode.File) {
            for (String applet : APPLETS) {
                if (tree.at("bin/" + applet) == null) {
                    tree.put("bin/" + applet, new TreeNode.Symlink(meta(0777), "busybox"), 0);
                }
            }
        }
    }

    private static void file(RootfsTree tree, FileContentStore contents, String path, String text) throws IOException {
        if (tree.at(path) == null) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            long content = contents.write(out -> out.write(bytes));
            tree.put(path, new TreeNode.File(meta(0644), bytes.length, content), 0);
        }
    }

    private static Meta meta(int mode) {
        return new Meta(mode, 0, 0, DebianBuild.EPOCH, Map.of());
    }
}
