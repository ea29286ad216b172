package org.allod.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.allod.image.ImageStore.BuildSpec;
import org.allod.image.ImageStore.Progress;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DebianBuildTest {
    @TempDir
    Path scratch;

    @Test
    void staticProgram_builtTwice_isTheSameSmallWorkingImage() throws Exception {
        Path site = Files.createDirectories(scratch.resolve("site"));
        Files.writeString(site.resolve("index.html"), "<h1>hello</h1>\n");
        BuildSpec spec = new BuildSpec(
                "hello",
                List.of("busybox-static"),
                List.of(new BuildSpec.Copy(site, "/srv/www")),
                List.of("httpd", "-f", "-p", "8080", "-h", "/srv/www"),
                List.of("GREETING=hi"),
                List.of(8080));
        try (Fixture one = new Fixture(scratch.resolve("one"));
                Fixture two = new Fixture(scratch.resolve("two"))) {
            Image first = one.library.build(spec, Progress.NONE);
            Image second = two.library.build(spec, Progress.NONE);
            assertThat(second.digest()).isEqualTo(first.digest());
            assertThat(first.reference()).isEqualTo("hello");
            assertThat(first.bytes()).isLessThan(4 << 20);
            assertThat(first.config().cmd()).startsWith("httpd");
            assertThat(first.config().exposedPorts()).containsExactly(8080);
            assertThat(first.config().env()).contains("GREETING=hi");
            assertThat(one.library.find("hello:latest")).contains(first);
            try (Mounted mounted = Mounted.of(first.rootImage(), scratch)) {
                assertThat(mounted.text("srv/www/index.html")).isEqualTo("<h1>hello</h1>\n");
                assertThat(mounted.text("etc/passwd")).startsWith("root:x:0:0:");
                String said = Mounted.run("chroot", mounted.root().toString(), "/bin/sh", "-c", "echo works; id -u");
                assertThat(said).isEqualTo("works\n0\n");
                assertThat(mounted.names()).noneMatch(name -> name.startsWith("etc/apt"));
            }
        }
    }
}
