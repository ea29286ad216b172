package org.allod.image;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.allod.base.RejectedException;
import org.allod.base.RejectedException.Reason;
import org.allod.image.ImageStore.Progress;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Malicious images. Each is refused with a clear reason and leaves nothing behind. */
class HostileImageTest {
    private static final ImageLimits TIGHT = new ImageLimits(64 << 10, 64 << 10, 16, 8 << 20, 4 << 20, 500, 50);

    @TempDir
    Path scratch;

    private Path victim;
    private OciLayoutBuilder layout;

    @BeforeEach
    void canary() throws IOException {
        victim = Files.createDirectories(scratch.resolve("victim"));
        Files.writeString(victim.resolve("canary"), "alive");
        layout = new OciLayoutBuilder(scratch.resolve("layout"));
    }

    @AfterEach
    void nothingWasTouched() throws IOException {
        assertThat(victim.resolve("canary")).hasContent("alive");
        assertThat(victim.toFile().list()).containsExactly("canary");
    }

    private void refused(Reason reason, String says) throws IOException {
        refused(layout.done(), reason, says);
    }

    private void refused(Path source, Reason reason, String says) throws IOException {
        Path folder = scratch.resolve("library");
        try (Fixture fixture = new Fixture(ImageStoreConfig.in(folder).withLimits(TIGHT))) {
            assertThatExceptionOfType(RejectedException.class)
                    .isThrownBy(() -> fixture.library.importFrom(source, "bad", Progress.NONE))
                    .satisfies(e -> assertThat(e.reason()).as(e.getMessage()).isEqualTo(reason))
                    .withMessageContaining(says);
            assertThat(fixture.library.list()).isEmpty();
            assertThat(fixture.library.find("bad")).isEmpty();
            for (String place : List.of("staging", "images")) {
                assertThat(folder.resolve(place).toFile().list()).as(place).isEmpty();
            }
        }
    }

    private void refused(TarMaker layer, Reason reason, String says) throws IOException {
        layout.layer(layer.bytes());
        refused(reason, says);
    }

    private Image taken(TarMaker... layers) throws IOException {
        for (TarMaker layer : layers) {
            layout.layer(layer.bytes());
        }
        try (Fixture fixture =
                new Fixture(ImageStoreConfig.in(scratch.resolve("library")).withLimits(TIGHT))) {
            return fixture.library.importFrom(layout.done(), "good", Progress.NONE);
        }
    }

    @Test
    void climbingPath_isRefused() throws IOException {
        refused(new TarMaker().file("../../victim/pwned", "x"), Reason.INVALID, "climbs out");
    }

    @Test
    void climbingPathInTheMiddle_isRefused() throws IOException {
        refused(new TarMaker().file("a/../../../victim/pwned", "x"), Reason.INVALID, "climbs out");
    }

    @Test
    void absolutePath_landsInsideTheImage() throws Exception {
        Image image = taken(new TarMaker().file(victim + "/pwned", "x"));
        try (MountedImage mounted = MountedImage.of(image.rootImage(), scratch)) {
            assertThat(mounted.text(victim.toString().substring(1) + "/pwned")).isEqualTo("x");
        }
    }

    @Test
    void writingThroughALinkOutOfTheImage_landsInsideTheImage() throws Exception {
        Image image = taken(
                new TarMaker().symlink("out", victim.toString()).symlink("up", "../../../../.."),
                new TarMaker().file("out/pwned", "x").file("up/top", "y"));
        try (MountedImage mounted = MountedImage.of(image.rootImage(), scratch)) {
            assertThat(mounted.text(victim.toString().substring(1) + "/pwned")).isEqualTo("x");
            assertThat(mounted.text("top")).isEqualTo("y");
        }
    }

    @Test
    void hardLinkToAFileOfTheHost_isRefused() throws IOException {
        refused(new TarMaker().hardLink("stolen", victim + "/canary"), Reason.INVALID, "which is not in it");
    }

    @Test
    void hardLinkThroughALinkOut_isRefused() throws IOException {
        refused(
                new TarMaker().symlink("out", victim.toString()).hardLink("stolen", "out/canary"),
                Reason.INVALID,
                "which is not in it");
    }

    @Test
    void hardLinkToAFolder_isRefused() throws IOException {
        refused(new TarMaker().folder("d").hardLink("e", "d"), Reason.INVALID, "to the folder");
    }

    @Test
    void loopOfLinks_isRefused() throws IOException {
        refused(new TarMaker().symlink("a", "b").symlink("b", "a").file("a/x", ""), Reason.INVALID, "loop of links");
    }

    @Test
    void fileBelowAFile_isRefused() throws IOException {
        refused(new TarMaker().file("f", "x").file("f/g", "y"), Reason.INVALID, "not a folder");
    }

    @Test
    void fileAtTheRoot_isRefused() throws IOException {
        refused(new TarMaker().symlink("./", "/etc"), Reason.INVALID, "at its root");
    }

    @Test
    void bombOfBytes_isRefusedAtTheBound() throws IOException {
        refused(new TarMaker().file("zeros", new byte[5 << 20], 0644), Reason.TOO_LARGE, "unpacks to more");
    }

    @Test
    void bombOfBytesOverSeveralLayers_isRefusedAtTheBound() throws IOException {
        for (int i = 0; i < 3; i++) {
            layout.layer(new TarMaker().file("zeros", new byte[2 << 20], 0644).bytes());
        }
        refused(Reason.TOO_LARGE, "unpacks to more");
    }

    @Test
    void bombOfEntries_isRefusedAtTheBound() throws IOException {
        TarMaker many = new TarMaker();
        for (int i = 0; i < 501; i++) {
            many.folder("d" + i);
        }
        refused(many, Reason.TOO_LARGE, "more than 500 files");
    }

    @Test
    void bombOfImpliedFolders_isRefusedAtTheBound() throws IOException {
        TarMaker many = new TarMaker();
        for (int i = 0; i < 300; i++) {
            many.file("d" + i + "/f", "");
        }
        refused(many, Reason.TOO_LARGE, "more than 500 files");
    }

    @Test
    void foldersNestedTooDeep_areRefused() throws IOException {
        refused(new TarMaker().file("d/".repeat(60) + "f", "x"), Reason.TOO_LARGE, "deeper than 50");
    }

    @Test
    void pathTooLong_isRefused() throws IOException {
        refused(new TarMaker().file(("n".repeat(200) + "/").repeat(20) + "f", "x"), Reason.TOO_LARGE, "path longer");
    }

    @Test
    void nameTooLong_isRefused() throws IOException {
        refused(new TarMaker().file("n".repeat(255), "x"), Reason.INVALID, "impossible file name");
    }

    @Test
    void giantExtendedHeader_isRefusedBeforeItIsRead() throws IOException {
        byte[] tar = new TarMaker().header('x', "pax", "", 2L << 30, 0644, 0, 0).bytes();
        layout.layer(tar);
        refused(Reason.TOO_LARGE, "extended header of 2147483648 bytes");
    }

    @Test
    void giantLongName_isRefusedBeforeItIsRead() throws IOException {
        layout.layer(
                new TarMaker().header('L', "long", "", 1L << 32, 0644, 0, 0).bytes());
        refused(Reason.TOO_LARGE, "extended header");
    }

    @Test
    void extendedHeaderWithAWrongLength_isRefused() throws IOException {
        layout.layer(new TarMaker()
                .header('x', "pax", "", 12, 0644, 0, 0)
                .content(OciLayoutBuilder.text("999 path=a\n\n"))
                .bytes());
        refused(Reason.INVALID, "no valid length");
    }

    @Test
    void sparseFile_isRefused() throws IOException {
        refused(new TarMaker().header('S', "sparse", "", 0, 0644, 0, 0), Reason.UNSUPPORTED, "type 'S'");
    }

    @Test
    void wrongHeaderChecksum_isRefused() throws IOException {
        byte[] tar = new TarMaker().file("f", "x").bytes();
        tar[5] ^= 1;
        layout.layer(tar);
        refused(Reason.INVALID, "checksum");
    }

    @Test
    void truncatedArchive_isRefused() throws IOException {
        byte[] tar =
                Arrays.copyOf(new TarMaker().file("f", new byte[4000], 0644).bytes(), 2000);
        layout.layer(tar);
        refused(Reason.INVALID, "is damaged");
    }

    @Test
    void truncatedGzip_isRefused() throws IOException {
        byte[] tar = new TarMaker().file("f", "x".repeat(9000)).bytes();
        byte[] packed = OciLayoutBuilder.gzip(tar);
        layout.layer(tar, Arrays.copyOf(packed, packed.length / 2), OciJson.OCI_LAYER + "+gzip");
        refused(Reason.INVALID, "is damaged");
    }

    @Test
    void garbageAfterTheMagicOfZstd_isRefused() throws IOException {
        byte[] garbage = new byte[3000];
        Arrays.fill(garbage, (byte) 0x5a);
        System.arraycopy(new byte[] {0x28, (byte) 0xb5, 0x2f, (byte) 0xfd}, 0, garbage, 0, 4);
        layout.layer(new byte[0], garbage, OciJson.OCI_LAYER + "+zstd");
        refused(Reason.INVALID, "is damaged");
    }

    @Test
    void layerWithOtherContentThanItsDigest_isRefused() throws IOException {
        layout.layer(new TarMaker().file("f", "x").bytes());
        Path index = layout.done();
        Path blob = layout.folder.resolve(
                "blobs/sha256/" + digest(layout.layers.getFirst().path("digest").stringValue()));
        byte[] content = Files.readAllBytes(blob);
        content[content.length - 1] ^= 1;
        Files.write(blob, content);
        refused(index, Reason.INVALID, "with other content");
    }

    @Test
    void layerLongerThanItsManifestSays_isRefused() throws IOException {
        layout.layer(new TarMaker().file("f", "x").bytes());
        layout.layers.getFirst().put("size", 20);
        refused(Reason.INVALID, "longer than the 20 bytes");
    }

    @Test
    void layerThatUnpacksToSomethingElse_isRefused() throws IOException {
        layout.layer(new TarMaker().file("f", "x").bytes());
        layout.unpacked.set(0, Digest.of(new byte[1]).toString());
        refused(Reason.INVALID, "unpacks to something else");
    }

    @Test
    void manifestWithOtherContentThanItsDigest_isRefused() throws IOException {
        layout.layer(new TarMaker().file("f", "x").bytes());
        var manifest = layout.manifest();
        Path blob = layout.folder.resolve(
                "blobs/sha256/" + digest(manifest.path("digest").stringValue()));
        Files.writeString(blob, Files.readString(blob).replace("\"schemaVersion\":2", "\"schemaVersion\":3"));
        refused(layout.index(List.of(manifest)), Reason.INVALID, "with other content");
    }

    @Test
    void missingLayer_isRefused() throws IOException {
        layout.layer(new TarMaker().file("f", "x").bytes());
        Path index = layout.done();
        Files.delete(layout.folder.resolve(
                "blobs/sha256/" + digest(layout.layers.getFirst().path("digest").stringValue())));
        refused(index, Reason.INVALID, "is missing");
    }

    @Test
    void giantIndex_isRefused() throws IOException {
        layout.layer(new TarMaker().file("f", "x").bytes());
        Path index = layout.done();
        Files.writeString(
                index.resolve("index.json"), " ".repeat(70 << 10) + Files.readString(index.resolve("index.json")));
        refused(index, Reason.TOO_LARGE, "larger than 65536 bytes");
    }

    @Test
    void deepJson_isRefused() throws IOException {
        Path index = layout.done();
        Files.writeString(index.resolve("index.json"), "{\"a\":" + "[".repeat(30_000) + "]".repeat(30_000) + "}");
        refused(index, Reason.INVALID, "not valid JSON");
    }

    @Test
    void keyTwiceInJson_isRefused() throws IOException {
        Path index = layout.done();
        Files.writeString(index.resolve("index.json"), "{\"manifests\":[],\"manifests\":[]}");
        refused(index, Reason.INVALID, "not valid JSON");
    }

    @Test
    void unknownLayerType_isRefused() throws IOException {
        byte[] tar = new TarMaker().file("f", "x").bytes();
        layout.layer(tar, tar, "application/vnd.example.layer+encrypted");
        refused(Reason.UNSUPPORTED, "layer of a type");
    }

    @Test
    void artifactThatIsNoImage_isRefused() throws IOException {
        layout.configType = "application/vnd.cncf.helm.config.v1+json";
        refused(Reason.UNSUPPORTED, "not a container image");
    }

    @Test
    void otherProcessor_isRefused() throws IOException {
        layout.architecture = "s390x";
        layout.layer(new TarMaker().file("f", "x").bytes());
        refused(Reason.UNSUPPORTED, "for linux/s390x");
    }

    @Test
    void tooManyLayers_areRefused() throws IOException {
        for (int i = 0; i < 17; i++) {
            layout.layer(new TarMaker().file("f" + i, "x").bytes());
        }
        refused(Reason.TOO_LARGE, "number of layers is 17");
    }

    @Test
    void fewerDigestsThanLayers_isRefused() throws IOException {
        layout.layer(new TarMaker().file("f", "x").bytes());
        layout.unpacked.clear();
        refused(Reason.INVALID, "has 1 layers but its configuration names 0");
    }

    @Test
    void impossiblePort_isRefused() throws IOException {
        layout.extraConfig = "{\"ExposedPorts\":{\"99999/tcp\":{}}}";
        layout.layer(new TarMaker().file("f", "x").bytes());
        refused(Reason.INVALID, "impossible port");
    }

    @Test
    void commandWithANul_isRefused() throws IOException {
        layout.extraConfig = "{\"Cmd\":[\"sh\\u0000x\"]}";
        layout.layer(new TarMaker().file("f", "x").bytes());
        refused(Reason.INVALID, "other than text");
    }

    @Test
    void indexThatNamesItself_isRefused() throws IOException {
        // A document cannot hold its own digest; a chain of indexes is as near as it gets.
        var next = layout.manifest();
        for (int i = 0; i < 5; i++) {
            var index = OciJson.MAPPER.createObjectNode().put("mediaType", OciJson.OCI_INDEX);
            index.putArray("manifests").add(next);
            next = layout.blob(OciJson.MAPPER.writeValueAsBytes(index), OciJson.OCI_INDEX);
        }
        refused(layout.index(List.of(next)), Reason.INVALID, "nests one index in another");
    }

    @Test
    void manifestUnderAnotherType_isRefused() throws IOException {
        var manifest = layout.manifest().put("mediaType", OciJson.DOCKER_MANIFEST);
        refused(layout.index(List.of(manifest)), Reason.INVALID, "was delivered as");
    }

    @Test
    void fileThatIsNoArchive_isRefused() throws IOException {
        Path file = Files.writeString(scratch.resolve("notes.txt"), "just some text\n".repeat(200));
        refused(file, Reason.INVALID, "no tar archive");
    }

    @Test
    void archiveWithoutAnImage_isRefused() throws IOException {
        Path file = Files.write(
                scratch.resolve("a.tar"), new TarMaker().file("readme", "hi").bytes());
        refused(file, Reason.INVALID, "holds no image");
    }

    @Test
    void sameNameTwice_lastOneCounts() throws Exception {
        Image image = taken(new TarMaker()
                .file("f", "first")
                .folder("d")
                .file("d/x", "")
                .file("d", "now a file")
                .file("f", "second"));
        try (MountedImage mounted = MountedImage.of(image.rootImage(), scratch)) {
            assertThat(mounted.text("f")).isEqualTo("second");
            assertThat(mounted.text("d")).isEqualTo("now a file");
        }
    }

    @Test
    void attributesOfOverlays_areLeftOut_andOthersKept() throws Exception {
        String capability = "\1\0\0\2\0\4\0\0\0\0\0\0\u00ff\0\0\0\0\0\0\0";
        Image image = taken(new TarMaker()
                .pax(Map.of(
                        "SCHILY.xattr.trusted.overlay.redirect", "/etc",
                        "SCHILY.xattr.security.capability", capability,
                        "SCHILY.xattr.user.note", "\u00ff\0x"))
                .file("f", "x")
                .device("gone", 0, 0));
        try (MountedImage mounted = MountedImage.of(image.rootImage(), scratch)) {
            byte[] packed = MountedImage.bytes(
                    "tar",
                    "--xattrs",
                    "--xattrs-include=*",
                    "-C",
                    mounted.root().toString(),
                    "-cf-",
                    "f");
            Map<String, byte[]> attributes =
                    new TarReader(new ByteArrayInputStream(packed)).next().xattrs();
            assertThat(attributes).containsOnlyKeys("security.capability", "user.note");
            assertThat(attributes.get("security.capability")).isEqualTo(capability.getBytes(ISO_8859_1));
            assertThat(attributes.get("user.note")).containsExactly(0xff, 0, 'x');
            assertThat(mounted.names()).containsExactly("f");
        }
    }

    @Test
    void oddNames_areKeptByteForByte() throws Exception {
        List<String> names =
                List.of("new\nline", "sp ace", "quote\"", "\u00ff\u00fe", "-rf", "n".repeat(254), "tab\t", "\u0001");
        TarMaker tar = new TarMaker();
        names.forEach(name -> tar.file(name, "x"));
        Image image = taken(tar);
        try (MountedImage mounted = MountedImage.of(image.rootImage(), scratch)) {
            Process find =
                    new ProcessBuilder("find", mounted.root().toString(), "-mindepth", "1", "-printf", "%P\\0").start();
            String all = new String(find.getInputStream().readAllBytes(), ISO_8859_1);
            assertThat(Stream.of(all.split("\0"))).containsExactlyInAnyOrderElementsOf(names);
        }
    }

    private static String digest(String text) {
        return Digest.parse(text, "test").hex();
    }
}
