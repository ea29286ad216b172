package org.allod.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.allod.soak.Scratch;

/** The image of these tests: a web server from Debian's busybox-static, built by the daemon itself. */
final class TestImage {
    static final String NAME = "web";

    private TestImage() {}

    static void build(DaemonProcess daemon) throws IOException {
        Path page = Scratch.folder("allod-page").resolve("page.html");
        Files.writeString(page, "hello from a guest\n");
        Files.setPosixFilePermissions(page, PosixFilePermissions.fromString("rw-r--r--")); // as pages are
        daemon.ok("POST", "/v1/host/images/build", """
                {"name":"web","packages":["busybox-static"],
                 "copies":[{"source":"%s","destination":"/srv/index.html"}],
                 "cmd":["/bin/busybox","httpd","-f","-p","[::]:8080","-h","/srv"],"ports":[8080]}
                """.formatted(page));
    }

    /** A create's body: the web server, as a service of the edge. */
    static String machine(String name, String more) {
        return """
                {"name":"%s","config":{"image":"web","guest":{"memory_mb":128},
                 "services":[{"internal_port":8080,"ports":[{"port":80,"handlers":["http"]}]}]%s}}
                """.formatted(name, more);
    }
}
