package org.allod.host;

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import org.allod.linux.Command;

/**
 * An image of one layer as an OCI layout on disk, made here: a web server that is busybox, a shell, and what the shell
 * calls. For a host that has neither a registry nor Debian's packages within reach.
 *
 * @see <a href="https://github.com/opencontainers/image-spec/blob/main/image-layout.md">OCI Image Layout</a>
 */
final class OciLayout {
    static final String PAGE = "hello from a guest\n";

    private static final List<String> APPLETS = List.of("sh", "sleep", "dd", "cat", "kill");

    private OciLayout() {}

    /** Makes it as {@code layout}; {@code work} is a folder for what that takes. */
    static void webServer(Path work, Path layout) throws Exception {
        Path tree = work.resolve("layer");
        Files.createDirectories(tree.resolve("bin"));
        Files.createDirectories(tree.resolve("srv"));
        Files.copy(Path.of("/bin/busybox"), tree.resolve("bin/busybox"));
        tree.resolve("bin/busybox").toFile().setExecutable(true, false);
        for (String applet : APPLETS) {
            Files.createSymbolicLink(tree.resolve("bin").resolve(applet), Path.of("busybox"));
        }
        Files.writeString(tree.resolve("srv/index.html"), PAGE);
        Path tar = work.resolve("layer.tar");
        Command.of("tar", "-C", tree.toString(), "-cf", tar.toString(), "bin", "srv")
                .output();

        Files.createDirectories(layout.resolve("blobs/sha256"));
        String layer = blob(layout, Files.readAllBytes(tar), "layer.v1.tar");
        String config =
                blob(layout, """
                {"architecture":"amd64","os":"linux",
                 "config":{"Env":["PATH=/bin"],"Cmd":["/bin/busybox","httpd","-f","-p","[::]:8080","-h","/srv"]},
                 "rootfs":{"type":"layers","diff_ids":["%s"]}}
                """.formatted(digest(Files.readAllBytes(tar))).getBytes(), "config.v1+json");
        String manifest = blob(layout, """
                {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
                 "config":%s,"layers":[%s]}
                """.formatted(config, layer).getBytes(), "manifest.v1+json");
        Files.writeString(layout.resolve("index.json"), "{\"schemaVersion\":2,\"manifests\":[%s]}".formatted(manifest));
        Files.writeString(layout.resolve("oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}");
    }

    /** Puts it where its digest says, and tells of it as others refer to it. */
    private static String blob(Path layout, byte[] content, String type) throws Exception {
        String digest = digest(content);
        Files.write(layout.resolve("blobs/sha256").resolve(digest.substring("sha256:".length())), content);
        return "{\"mediaType\":\"application/vnd.oci.image.%s\",\"digest\":\"%s\",\"size\":%d}"
                .formatted(type, digest, content.length);
    }

    private static String digest(byte[] content) throws Exception {
        return "sha256:"
                + HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
    }
}
