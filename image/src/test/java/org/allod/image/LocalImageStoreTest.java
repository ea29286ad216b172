package org.allod.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.allod.base.FailedException;
import org.allod.base.RejectedException;
import org.allod.base.RejectedException.Reason;
import org.allod.image.ImageStore.Progress;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LocalImageStoreTest {
    @TempDir
    Path scratch;

    private Path layout(String content) throws Exception {
        return new OciLayoutBuilder(scratch.resolve("layout-" + content))
                .layer(new TarMaker().file("f", content).bytes())
                .done();
    }

    private Path library() {
        return scratch.resolve("library");
    }

    @Test
    void layoutByPath_isEnsured_andFollowsWhatLiesThere() throws Exception {
        try (Fixture fixture = new Fixture(library())) {
            Path place = layout("one");
            Image one = fixture.library.ensure("oci:" + place, Progress.NONE);
            assertThat(one.reference()).isEqualTo("oci:" + place);
            assertThat(fixture.library.ensure("oci:" + place, Progress.NONE)).isEqualTo(one);
            StagingFiles.remove(place);
            assertThat(fixture.library.ensure("oci:" + place, Progress.NONE)).isEqualTo(one);
            Files.move(layout("two"), place);
            assertThat(fixture.library.ensure("oci:" + place, Progress.NONE).digest())
                    .isNotEqualTo(one.digest());
        }
    }

    @Test
    void archives_ofEveryKind_areTheSameImage() throws Exception {
        Path layout = layout("one");
        Path plain = scratch.resolve("image.tar");
        MountedImage.run("tar", "-C", layout.toString(), "-cf", plain.toString(), ".");
        Path packed = scratch.resolve("image.tar.gz");
        MountedImage.run("tar", "-C", layout.toString(), "-czf", packed.toString(), ".");
        Path docker = scratch.resolve("docker.tar");
        MountedImage.run(
                "skopeo", "--insecure-policy", "copy", "oci:" + layout, "docker-archive:" + docker + ":team/one:v1");
        try (Fixture fixture = new Fixture(library())) {
            Image folder = fixture.library.importFrom(layout, "folder", Progress.NONE);
            assertThat(fixture.library.importFrom(plain, "plain", Progress.NONE).digest())
                    .isEqualTo(folder.digest());
            assertThat(fixture.library
                            .importFrom(packed, "packed", Progress.NONE)
                            .digest())
                    .isEqualTo(folder.digest());
            Image saved = fixture.library.importFrom(docker, "saved", Progress.NONE);
            assertThat(saved.config()).isEqualTo(folder.config());
            try (MountedImage mounted = MountedImage.of(saved.rootImage(), scratch)) {
                assertThat(mounted.text("f")).isEqualTo("one");
            }
            assertThat(fixture.library
                            .ensure("oci:" + docker + ":team/one:v1", Progress.NONE)
                            .digest())
                    .isEqualTo(saved.digest());
            assertThatExceptionOfType(RejectedException.class)
                    .isThrownBy(() -> fixture.library.ensure("oci:" + docker + ":other:v1", Progress.NONE))
                    .satisfies(e -> assertThat(e.hint()).contains("it has: docker.io/team/one:v1"));
        }
    }

    @Test
    void names_surviveARestart_andRemovingOneLeavesTheOther() throws Exception {
        try (Fixture fixture = new Fixture(library())) {
            fixture.library.importFrom(layout("one"), "first", Progress.NONE);
            fixture.library.importFrom(scratch.resolve("layout-one"), "team/second:v2", Progress.NONE);
        }
        try (Fixture fixture = new Fixture(library())) {
            assertThat(fixture.library.list()).extracting(Image::reference).containsExactly("first", "team/second:v2");
            fixture.library.remove("first:latest");
            assertThat(fixture.library.find("first")).isEmpty();
            assertThat(fixture.library.find("team/second:v2")).isPresent();
            assertThatExceptionOfType(RejectedException.class)
                    .isThrownBy(() -> fixture.library.remove("first"))
                    .satisfies(e -> assertThat(e.reason()).isEqualTo(Reason.NOT_FOUND));
        }
    }

    @Test
    void imageByItsContent_isFound_whateverItsNameMeansByNow() throws Exception {
        try (Fixture fixture = new Fixture(library())) {
            Image one = fixture.library.importFrom(layout("one"), "web", Progress.NONE);
            Image two = fixture.library.importFrom(layout("two"), "web", Progress.NONE);
            assertThat(fixture.library.find("web")).contains(two);
            assertThat(fixture.library.find("web@" + one.digest())).contains(one);
            assertThat(fixture.library.ensure("web@" + one.digest(), Progress.NONE))
                    .isEqualTo(one);
            assertThat(fixture.library.find(one.digest()).orElseThrow().rootImage())
                    .isEqualTo(one.rootImage());
        }
    }

    @Test
    void collect_removesWhatNothingHolds_andNothingElse() throws Exception {
        try (Fixture fixture = new Fixture(library())) {
            Image named = fixture.library.importFrom(layout("named"), "named", Progress.NONE);
            Image running = fixture.library.importFrom(layout("running"), "running", Progress.NONE);
            Image gone = fixture.library.importFrom(layout("gone"), "gone", Progress.NONE);
            fixture.library.remove("running");
            fixture.library.remove("gone");
            assertThat(fixture.library.collect(Set.of(running.digest()))).isGreaterThanOrEqualTo(gone.bytes());
            assertThat(named.rootImage()).exists();
            assertThat(running.rootImage()).exists();
            assertThat(gone.rootImage()).doesNotExist();
            assertThat(library().resolve("blobs/verified")).isEmptyDirectory();
            assertThat(fixture.library.collect(Set.of())).isGreaterThanOrEqualTo(running.bytes());
            assertThat(running.rootImage()).doesNotExist();
            // A name given again brings the image back.
            assertThat(fixture.library.importFrom(scratch.resolve("layout-gone"), "gone", Progress.NONE))
                    .isNotNull();
        }
    }

    @Test
    void damagedImage_isNotHandedOut_andMadeAgain() throws Exception {
        try (Fixture fixture = new Fixture(library())) {
            Image image = fixture.library.importFrom(layout("one"), "one", Progress.NONE);
            try (RandomAccessFile file = new RandomAccessFile(image.rootImage().toFile(), "rw")) {
                file.setLength(file.length() / 2);
            }
            assertThat(fixture.library.find("one")).isEmpty();
            Image again = fixture.library.importFrom(scratch.resolve("layout-one"), "one", Progress.NONE);
            assertThat(Files.size(again.rootImage())).isEqualTo(image.bytes());
        }
    }

    @Test
    void damagedListOfNames_isSaid() throws Exception {
        Files.createDirectories(library());
        Files.writeString(library().resolve("references.json"), "{\"references\":{\"a\":");
        assertThatExceptionOfType(FailedException.class)
                .isThrownBy(() -> new Fixture(library()))
                .withMessageContaining("references.json is damaged");
    }

    @Test
    void folderInUse_isRefusedToAnother() {
        try (Fixture fixture = new Fixture(library())) {
            assertThat(fixture.library.list()).isEmpty();
            assertThatExceptionOfType(RejectedException.class)
                    .isThrownBy(() -> new Fixture(library()))
                    .satisfies(e -> assertThat(e.reason()).isEqualTo(Reason.CONFLICT));
        }
    }

    @Test
    void nonsense_isRefusedWithAHint() {
        try (Fixture fixture = new Fixture(library())) {
            for (String reference :
                    List.of("", "UPPER/case", "a b", "x:", "host:port/x", "a/../b", "x@sha256:12", "-rf")) {
                assertThatExceptionOfType(RejectedException.class)
                        .as(reference)
                        .isThrownBy(() -> fixture.library.ensure(reference, Progress.NONE))
                        .satisfies(e -> assertThat(e.reason()).isEqualTo(Reason.INVALID));
            }
            assertThatExceptionOfType(RejectedException.class)
                    .isThrownBy(() -> fixture.library.importFrom(scratch.resolve("nowhere"), "x", Progress.NONE))
                    .satisfies(e -> assertThat(e.reason()).isEqualTo(Reason.NOT_FOUND));
        }
    }
}
