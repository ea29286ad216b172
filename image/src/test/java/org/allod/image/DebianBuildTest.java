package org.allod.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.allod.base.RejectedException;
import org.allod.image.ImageStore.BuildSpec;
import org.allod.image.ImageStore.BuildSpec.Copy;
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
            try (MountedImage mounted = MountedImage.of(first.rootImage(), scratch)) {
                assertThat(mounted.text("srv/www/index.html")).isEqualTo("<h1>hello</h1>\n");
                assertThat(mounted.text("etc/passwd")).startsWith("root:x:0:0:");
                String said =
                        MountedImage.run("chroot", mounted.root().toString(), "/bin/sh", "-c", "echo works; id -u");
                assertThat(said).isEqualTo("works\n0\n");
                assertThat(mounted.names()).noneMatch(name -> name.startsWith("etc/apt"));
            }
        }
    }

    @Test
    void serverWithUsersAndConfiguration_builtTwice_isTheSameAndWorks() throws Exception {
        BuildSpec spec =
                new BuildSpec("web", List.of("lighttpd"), List.of(), List.of("lighttpd", "-D"), List.of(), List.of(80));
        try (Fixture one = new Fixture(scratch.resolve("one"));
                Fixture two = new Fixture(scratch.resolve("two"));
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<Image> other = threads.submit(() -> two.library.build(spec, Progress.NONE));
            List<String> phases = new CopyOnWriteArrayList<>();
            Image first = one.library.build(spec, (phase, detail, done, total) -> phases.add(phase + ": " + detail));
            assertThat(phases)
                    .contains(
                            "build: installing remaining packages inside the chroot",
                            "flatten: making the file system");
            assertThat(other.get().digest()).isEqualTo(first.digest());
            assertThat(first.bytes()).isLessThan(160 << 20);
            try (MountedImage mounted = MountedImage.of(first.rootImage(), scratch)) {
                String root = mounted.root().toString();
                assertThat(MountedImage.run("chroot", root, "/usr/sbin/lighttpd", "-v"))
                        .startsWith("lighttpd/");
                assertThat(mounted.text("etc/passwd")).contains("www-data:*:33:33:");
                assertThat(mounted.names()).noneMatch(name -> name.startsWith("usr/share/man/"));
                assertThat(mounted.names())
                        .contains("etc/lighttpd/lighttpd.conf", "usr/share/doc/lighttpd/copyright", "var/log/lighttpd")
                        .doesNotContain("etc/machine-id", "etc/apt", "var/lib/apt", "etc/resolv.conf");
            }
        }
    }

    @Test
    void unknownPackage_isNamed() {
        BuildSpec spec =
                new BuildSpec("x", List.of("no-such-thing-static"), List.of(), List.of(), List.of(), List.of());
        try (Fixture fixture = new Fixture(scratch.resolve("library"))) {
            assertThatExceptionOfType(RejectedException.class)
                    .isThrownBy(() -> fixture.library.build(spec, Progress.NONE))
                    .withMessageContaining("has no package no-such-thing-static");
        }
    }

    @Test
    void filesAlone_areAnImageWithoutADebian() throws Exception {
        Path program = Files.writeString(scratch.resolve("run.sh"), "#!/bin/sh\n");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-x---"));
        BuildSpec spec = new BuildSpec(
                "files",
                List.of(),
                List.of(new Copy(program, "/app/"), new Copy(program, "/etc/init")),
                List.of("/app/run.sh"),
                List.of(),
                List.of());
        try (Fixture fixture = new Fixture(scratch.resolve("library"))) {
            Image image = fixture.library.build(spec, Progress.NONE);
            try (MountedImage mounted = MountedImage.of(image.rootImage(), scratch)) {
                assertThat(mounted.listing()).anyMatch(line -> line.startsWith("app/run.sh f 750 0:0 1577836800"));
                assertThat(mounted.text("etc/init")).isEqualTo("#!/bin/sh\n");
            }
        }
    }

    @Test
    void nonsense_isRefusedBeforeAnythingIsDone() {
        BuildSpec good = new BuildSpec("x", List.of(), List.of(), List.of(), List.of(), List.of());
        List<BuildSpec> bad = List.of(
                new BuildSpec("Bad Name", List.of(), List.of(), List.of(), List.of(), List.of()),
                new BuildSpec("x", List.of("--option"), List.of(), List.of(), List.of(), List.of()),
                new BuildSpec("x", List.of("a,b"), List.of(), List.of(), List.of(), List.of()),
                new BuildSpec("x", List.of(), List.of(new Copy(scratch, "relative")), List.of(), List.of(), List.of()),
                new BuildSpec(
                        "x", List.of(), List.of(new Copy(scratch, "/a/../../b")), List.of(), List.of(), List.of()),
                new BuildSpec(
                        "x",
                        List.of(),
                        List.of(new Copy(scratch.resolve("no"), "/a")),
                        List.of(),
                        List.of(),
                        List.of()),
                new BuildSpec("x", List.of(), List.of(), List.of(), List.of("novalue"), List.of()),
                new BuildSpec("x", List.of(), List.of(), List.of(), List.of(), List.of(70000)));
        try (Fixture fixture = new Fixture(scratch.resolve("library"))) {
            assertThat(fixture.library.build(good, Progress.NONE).config().cmd())
                    .isEmpty();
            for (BuildSpec spec : bad) {
                assertThatExceptionOfType(RejectedException.class)
                        .as(spec.toString())
                        .isThrownBy(() -> fixture.library.build(spec, Progress.NONE));
            }
        }
    }
}
