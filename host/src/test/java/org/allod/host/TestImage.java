package org.allod.host;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.allod.linux.Command;
import org.allod.soak.Scratch;
import org.jspecify.annotations.Nullable;

/**
 * The image of these tests: a web server from Debian's busybox-static. An OCI layout by hand, made once a process: to
 * build it from packages takes seconds, and {@link DaemonTest} does it once.
 */
final class TestImage {
    static final String NAME = "web";

    private static @Nullable Path layout;

    private TestImage() {}

    static void build(DaemonProcess daemon) throws IOException {
        daemon.ok("POST", "/v1/host/images/import", "{\"name\":\"web\",\"path\":\"%s\"}".formatted(layout()));
    }

    /** The same from Debian's packages, by the daemon itself. */
    static void fromPackages(DaemonProcess daemon) throws IOException {
        daemon.ok("POST", "/v1/host/images/build", """
                {"name":"web","packages":["busybox-static"],
                 "copies":[{"source":"%s","destination":"/srv/index.html"}],
                 "cmd":["/bin/busybox","httpd","-f","-p","[::]:8080","-h","/srv"],"ports":[8080]}
                """.formatted(page(Scratch.folder("allod-page"))));
    }

    /** As pages are. */
    private static Path page(Path folder) throws IOException {
        Path page = Files.writeString(folder.resolve("index.html"), "hello from a guest\n");
        return Files.setPosixFilePermissions(page, PosixFilePermissions.fromString("rw-r--r--"));
    }

    private static synchronized Path layout() throws IOException {
        if (layout != null) {
            return layout;
        }
        Path folder = Scratch.folder("allod-image");
        Path tree = folder.resolve("tree");
        for (String name : "bin dev etc proc root run srv sys usr var tmp".split(" ", -1)) {
            Files.createDirectories(tree.resolve(name));
        }
        Files.copy(Path.of("/bin/busybox"), tree.resolve("bin/busybox"));
        for (String name : Command.of("/bin/busybox", "--list").output().lines().toList()) {
            if (!name.equals("busybox")) {
                Files.createSymbolicLink(tree.resolve("bin").resolve(name), Path.of("busybox"));
            }
        }
        Files.writeString(tree.resolve("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:::\n");
        Files.writeString(tree.resolve("etc/group"), "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n");
        var _ = page(tree.resolve("srv"));
        Path layer = folder.resolve("layer");
        Command.of("tar", "-C", tree.toString(), "-cf", layer.toString(), ".").output();
        Files.createDirectories(folder.resolve("image/blobs/sha256"));
        Blob tar = blob(folder, Files.readAllBytes(layer));
        Blob config = blob(folder, """
                {"architecture":"amd64","os":"linux","config":{"ExposedPorts":{"8080/tcp":{}},
                 "Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
                 "Cmd":["/bin/busybox","httpd","-f","-p","[::]:8080","-h","/srv"]},
                 "rootfs":{"type":"layers","diff_ids":["%s"]}}
                """.formatted(tar.digest));
        Blob manifest = blob(folder, """
                {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
                 "config":{"mediaType":"application/vnd.oci.image.config.v1+json",%s},
                 "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar",%s}]}
                """.formatted(config.fields(), tar.fields()));
        Path made = folder.resolve("image");
        Files.writeString(made.resolve("index.json"), """
                {"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",%s}]}
                """.formatted(manifest.fields()));
        Files.writeString(made.resolve("oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}");
        layout = made;
        return made;
    }

    private record Blob(String digest, int size) {
        String fields() {
            return "\"digest\":\"%s\",\"size\":%d".formatted(digest, size);
        }
    }

    private static Blob blob(Path folder, String text) throws IOException {
        return blob(folder, text.getBytes(StandardCharsets.UTF_8));
    }

    private static Blob blob(Path folder, byte[] bytes) throws IOException {
        try {
            String hex = HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
            Files.write(folder.resolve("image/blobs/sha256").resolve(hex), bytes);
            return new Blob("sha256:" + hex, bytes.length);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    /** A create's body: the web server, as a service of the edge. */
    static String machine(String name, String more) {
        return """
                {"name":"%s","config":{"image":"web","guest":{"memory_mb":128},
                 "services":[{"internal_port":8080,"ports":[{"port":80,"handlers":["http"]}]}]%s}}
                """.formatted(name, more);
    }
}
