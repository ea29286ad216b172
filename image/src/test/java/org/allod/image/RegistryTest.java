package org.allod.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Base64;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.allod.base.FailedException;
import org.allod.base.RejectedException;
import org.allod.base.RejectedException.Reason;
import org.allod.image.ImageStore.Progress;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Pulls from a real registry, over good and bad connections. */
class RegistryTest {
    private static final int BIG = 6 << 20;

    @TempDir
    static Path shared;

    @TempDir
    Path scratch;

    private static DockerRegistry open;
    private static DockerRegistry locked;

    @BeforeAll
    static void start() throws Exception {
        open = new DockerRegistry(shared.resolve("open"), false);
        locked = new DockerRegistry(shared.resolve("locked"), true);
        open.push(image("web"), "team/web:v1");
        locked.push(image("private"), "team/private:v1", "--dest-creds=alice:s3cret:with:colons");
    }

    @AfterAll
    static void stop() throws Exception {
        open.close();
        locked.close();
    }

    /** Three layers: one big and incompressible, one each for zstd and for no packing. */
    private static Path image(String content) throws IOException {
        byte[] noise = new byte[BIG];
        new Random(content.hashCode()).nextBytes(noise);
        return new OciLayoutBuilder(shared.resolve("layout-" + content))
                .layer(new TarMaker()
                        .folder("srv")
                        .file("srv/noise", noise, 0644)
                        .bytes())
                .zstd(new TarMaker()
                        .file("srv/name", content)
                        .file("srv/.wh.nothing", "")
                        .bytes())
                .plain(new TarMaker().file("srv/plain", "plain").bytes())
                .done();
    }

    private Fixture library() {
        return new Fixture(ImageStoreConfig.in(scratch.resolve("library")));
    }

    private Fixture library(Map<String, String> env) {
        Map<String, String> all = new HashMap<>(System.getenv());
        all.putAll(env);
        return new Fixture(ImageStoreConfig.in(scratch.resolve("library")).withEnv(all));
    }

    @Test
    void image_pulled_hasTheDigestAndContentThatWasPushed() throws Exception {
        try (Fixture fixture = library()) {
            Image image = fixture.library.pull(open.host() + "/team/web:v1", Progress.NONE);
            String pushed = MountedImage.run(
                    "skopeo",
                    "inspect",
                    "--tls-verify=false",
                    "--format",
                    "{{.Digest}}",
                    "docker://" + open.host() + "/team/web:v1");
            assertThat(image.digest()).isEqualTo(pushed.trim());
            assertThat(image.reference()).isEqualTo(open.host() + "/team/web:v1");
            assertThat(image.config().cmd()).containsExactly("/bin/true");
            try (MountedImage mounted = MountedImage.of(image.rootImage(), scratch)) {
                assertThat(mounted.text("srv/name")).isEqualTo("web");
                assertThat(mounted.text("srv/plain")).isEqualTo("plain");
                assertThat(Files.size(mounted.root().resolve("srv/noise"))).isEqualTo(BIG);
            }
            assertThat(fixture.library.ensure(open.host() + "/team/web:v1", Progress.NONE))
                    .isEqualTo(image);
            Image byDigest = fixture.library.ensure(open.host() + "/team/web@" + image.digest(), Progress.NONE);
            assertThat(byDigest.rootImage()).isEqualTo(image.rootImage());
        }
    }

    @Test
    void multiPlatformImage_pulled_isTheOneForThisHost() throws Exception {
        OciLayoutBuilder here = new OciLayoutBuilder(scratch.resolve("multi"));
        here.layer(new TarMaker().file("which", "amd64").bytes());
        var amd = here.manifest();
        amd.putObject("platform").put("os", "linux").put("architecture", "amd64");
        here.layers.clear();
        here.unpacked.clear();
        here.architecture = "arm64";
        here.layer(new TarMaker().file("which", "arm64").bytes());
        var arm = here.manifest();
        arm.putObject("platform").put("os", "linux").put("architecture", "arm64");
        // skopeo takes one image from a layout's own index, so the platforms go one level down.
        var index = OciJson.MAPPER.createObjectNode().put("schemaVersion", 2).put("mediaType", OciJson.OCI_INDEX);
        index.putArray("manifests").add(arm).add(amd);
        open.push(
                here.index(List.of(here.blob(OciJson.MAPPER.writeValueAsBytes(index), OciJson.OCI_INDEX))), "multi:v1");
        try (Fixture fixture = library()) {
            Image image = fixture.library.pull(open.host() + "/multi:v1", Progress.NONE);
            try (MountedImage mounted = MountedImage.of(image.rootImage(), scratch)) {
                assertThat(mounted.text("which")).isEqualTo("amd64");
            }
        }
    }

    @Test
    void connectionCutAgainAndAgain_pullGoesOnWhereItWas() throws Exception {
        try (TamperingProxy meddler = new TamperingProxy(open.port);
                Fixture fixture = library()) {
            meddler.cut = bigBlob();
            meddler.plan.addAll(Collections.nCopies(5, 1L << 20));
            Image image = fixture.library.pull(meddler.host() + "/team/web:v1", Progress.NONE);
            assertThat(meddler.requests).anyMatch(line -> line.contains("ange: bytes="));
            // Had each try started over, five cuts at one MiB would have cost five MiB more than the image.
            assertThat(meddler.plan).isEmpty();
            assertThat(meddler.delivered.get()).isLessThan(BIG + (1 << 20));
            try (MountedImage mounted = MountedImage.of(image.rootImage(), scratch)) {
                assertThat(Files.size(mounted.root().resolve("srv/noise"))).isEqualTo(BIG);
            }
        }
    }

    @Test
    void connectionCutForGood_failsInBoundedTime_andTheNextPullTakesUpThePart() throws Exception {
        try (TamperingProxy meddler = new TamperingProxy(open.port)) {
            meddler.cut = bigBlob();
            meddler.plan.add(2L << 20);
            meddler.lastly = 0;
            try (Fixture fixture = library()) {
                assertThatExceptionOfType(FailedException.class)
                        .isThrownBy(() -> fixture.library.pull(meddler.host() + "/team/web:v1", Progress.NONE))
                        .withMessageContaining("could not pull " + meddler.host() + "/team/web:v1")
                        .withMessageContaining("broke off after");
                assertThat(fixture.library.list()).isEmpty();
            }
            long before = meddler.delivered.get();
            meddler.lastly = Long.MAX_VALUE;
            try (Fixture again = library()) {
                again.library.pull(meddler.host() + "/team/web:v1", Progress.NONE);
            }
            assertThat(meddler.delivered.get() - before).isLessThan(BIG - (1 << 20));
        }
    }

    private static String bigBlob() throws IOException {
        try (Stream<Path> blobs = Files.list(shared.resolve("layout-web/blobs/sha256"))) {
            return blobs.max(Comparator.comparing(blob -> blob.toFile().length()))
                    .orElseThrow()
                    .getFileName()
                    .toString();
        }
    }

    @Test
    void blobCorruptedOnTheWay_isRefused_andNothingOfItKept() throws Exception {
        try (TamperingProxy meddler = new TamperingProxy(open.port);
                Fixture fixture = library()) {
            meddler.corruptAt = 100;
            assertThatExceptionOfType(RejectedException.class)
                    .isThrownBy(() -> fixture.library.pull(meddler.host() + "/team/web:v1", Progress.NONE))
                    .satisfies(e -> assertThat(e.reason()).isEqualTo(Reason.INVALID))
                    .withMessageContaining("with other content");
            assertThat(fixture.library.list()).isEmpty();
            assertThat(scratch.resolve("library/blobs/verified").toFile().list())
                    .isEmpty();
        }
    }

    @Test
    void manyPullsAtOnce_fetchEachBlobOnce() throws Exception {
        try (TamperingProxy meddler = new TamperingProxy(open.port);
                Fixture fixture = library();
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Callable<Image> pull = () -> fixture.library.pull(meddler.host() + "/team/web:v1", Progress.NONE);
            List<Future<Image>> all = threads.invokeAll(List.of(pull, pull, pull, pull));
            for (Future<Image> one : all) {
                assertThat(one.get()).isEqualTo(all.getFirst().get());
            }
            assertThat(meddler.count("/blobs/")).isEqualTo(4);
        }
    }

    @Test
    void sameLayersInAnotherImage_areNotFetchedAgain() throws Exception {
        try (TamperingProxy meddler = new TamperingProxy(open.port);
                Fixture fixture = library()) {
            fixture.library.pull(meddler.host() + "/team/web:v1", Progress.NONE);
            open.push(shared.resolve("layout-web"), "team/other:v1");
            fixture.library.pull(meddler.host() + "/team/other:v1", Progress.NONE);
            assertThat(meddler.count("/blobs/")).isEqualTo(4);
        }
    }

    @Test
    void noCredentials_areAskedFor() {
        try (Fixture fixture =
                library(Map.of("DOCKER_CONFIG", scratch.resolve("none").toString()))) {
            assertThatExceptionOfType(RejectedException.class)
                    .isThrownBy(() -> fixture.library.pull(locked.host() + "/team/private:v1", Progress.NONE))
                    .satisfies(e -> assertThat(e.reason()).isEqualTo(Reason.UNAUTHENTICATED))
                    .satisfies(e -> assertThat(e.hint().orElseThrow()).contains("docker login " + locked.host()))
                    .withMessageContaining("there are none in " + scratch.resolve("none"));
        }
    }

    @Test
    void dockersAuthFile_letsIn() throws Exception {
        login("alice:s3cret:with:colons");
        try (Fixture fixture =
                library(Map.of("DOCKER_CONFIG", scratch.resolve("docker").toString()))) {
            Image image = fixture.library.pull(locked.host() + "/team/private:v1", Progress.NONE);
            assertThat(image.bytes()).isGreaterThan(BIG);
        }
    }

    @Test
    void wrongPassword_isToldApart_andNotShown() throws Exception {
        login("alice:topsecretguess");
        try (Fixture fixture =
                library(Map.of("DOCKER_CONFIG", scratch.resolve("docker").toString()))) {
            assertThatExceptionOfType(RejectedException.class)
                    .isThrownBy(() -> fixture.library.pull(locked.host() + "/team/private:v1", Progress.NONE))
                    .satisfies(e -> assertThat(e.reason()).isEqualTo(Reason.UNAUTHENTICATED))
                    .satisfies(e -> assertThat(e + "" + e.hint()).doesNotContain("topsecretguess"))
                    .withMessageContaining("refuses the credentials of alice");
        }
    }

    private void login(String pair) throws IOException {
        String auth = Base64.getEncoder().encodeToString(OciLayoutBuilder.text(pair));
        Path folder = Files.createDirectories(scratch.resolve("docker"));
        Files.writeString(
                folder.resolve("config.json"), "{\"auths\":{\"%s\":{\"auth\":\"%s\"}}}".formatted(locked.host(), auth));
    }

    @Test
    void unknownImage_isToldApart() {
        try (Fixture fixture = library()) {
            assertThatExceptionOfType(RejectedException.class)
                    .isThrownBy(() -> fixture.library.pull(open.host() + "/team/nothing:v9", Progress.NONE))
                    .satisfies(e -> assertThat(e.reason()).isEqualTo(Reason.NOT_FOUND))
                    .withMessageContaining("has no " + open.host() + "/team/nothing:v9");
        }
    }

    @Test
    void registryThatIsNotThere_isToldApart() throws Exception {
        int nobody = DockerRegistry.freePort();
        try (Fixture fixture = library()) {
            assertThatExceptionOfType(FailedException.class)
                    .isThrownBy(() -> fixture.library.pull("127.0.0.1:" + nobody + "/a:b", Progress.NONE))
                    .withMessageContaining("cannot be reached");
        }
    }

    @Test
    void registryWithoutTls_offLoopback_isNotSpokenTo() throws Exception {
        // 127.0.0.1 under a name that is not known to be loopback: HTTPS is spoken, and the registry has none.
        String name = "ip6-localhost.invalid:" + open.port;
        try (Fixture fixture = library()) {
            assertThatExceptionOfType(FailedException.class)
                    .isThrownBy(() -> fixture.library.pull(name + "/team/web:v1", Progress.NONE))
                    .withMessageContaining("is not known");
        }
        assertThat(ImageReference.parse(name + "/a").loopback()).isFalse();
        assertThat(ImageReference.parse("127.0.0.1.evil.example/a").loopback()).isFalse();
        assertThat(ImageReference.parse("localhost:5000/a").loopback()).isTrue();
        assertThat(ImageReference.parse("[::1]:5000/a").loopback()).isTrue();
    }

    @Test
    void credentialHelper_isAsked() throws Exception {
        Path bin = Files.createDirectories(scratch.resolve("bin"));
        Path helper = Files.writeString(
                bin.resolve("docker-credential-test"),
                "#!/bin/sh\n[ \"$1\" = get ] && [ \"$(cat)\" = \"" + locked.host()
                        + "\" ] && echo '{\"ServerURL\":\"\",\"Username\":\"alice\",\"Secret\":\"s3cret:with:colons\"}'\n");
        Files.setPosixFilePermissions(helper, PosixFilePermissions.fromString("rwxr-xr-x"));
        Path folder = Files.createDirectories(scratch.resolve("docker"));
        Files.writeString(
                folder.resolve("config.json"), "{\"credHelpers\":{\"%s\":\"test\"}}".formatted(locked.host()));
        Map<String, String> env = Map.of("DOCKER_CONFIG", folder.toString(), "PATH", bin + ":" + System.getenv("PATH"));
        try (Fixture fixture = library(env)) {
            fixture.library.pull(locked.host() + "/team/private:v1", Progress.NONE);
        }
    }

    @Test
    void tokens_areFetchedWithTheCredentials_andOnlyForPulling() throws Exception {
        try (TokenServer tokens = new TokenServer(scratch.resolve("tokens"), "alice:s3cret");
                DockerRegistry registry = new DockerRegistry(scratch.resolve("registry"), tokens.configuration())) {
            registry.push(shared.resolve("layout-web"), "team/web:v1", "--dest-creds=alice:s3cret");
            tokens.granted.clear();
            Path folder = Files.createDirectories(scratch.resolve("docker"));
            String auth = Base64.getEncoder().encodeToString(OciLayoutBuilder.text("alice:s3cret"));
            Files.writeString(
                    folder.resolve("config.json"),
                    "{\"auths\":{\"%s\":{\"auth\":\"%s\"}}}".formatted(registry.host(), auth));
            try (Fixture nobody =
                    library(Map.of("DOCKER_CONFIG", scratch.resolve("none").toString()))) {
                assertThatExceptionOfType(RejectedException.class)
                        .isThrownBy(() -> nobody.library.pull(registry.host() + "/team/web:v1", Progress.NONE))
                        .satisfies(e -> assertThat(e.reason()).isEqualTo(Reason.UNAUTHENTICATED));
            }
            try (Fixture alice = library(Map.of("DOCKER_CONFIG", folder.toString()))) {
                alice.library.pull(registry.host() + "/team/web:v1", Progress.NONE);
            }
            assertThat(tokens.granted).isNotEmpty().allMatch(scope -> scope.equals("repository:team/web:pull"));
        }
    }
}
