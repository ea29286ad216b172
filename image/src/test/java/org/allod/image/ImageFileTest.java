package org.allod.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Optional;
import java.util.Random;
import org.allod.soak.Campaign;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files of images that the real mkfs.erofs made, read from outside. */
class ImageFileTest {
    private static final Instant THEN = Instant.parse("2020-02-03T04:05:06Z");

    @TempDir
    static Path folder;

    private static Path tree;
    private static Path image;

    @BeforeAll
    static void make() throws Exception {
        tree = Files.createDirectory(folder.resolve("tree"));
        Random random = new Random(42);
        for (int size : new int[] {0, 1, 63, 4000, 4095, 4096, 4097, 8192, 12_345, 300_000}) {
            byte[] content = new byte[size];
            random.nextBytes(content);
            Files.write(tree.resolve("size-" + size), content);
        }
        Files.setLastModifiedTime(tree.resolve("size-1"), FileTime.from(THEN));
        Path many = Files.createDirectories(tree.resolve("srv/many"));
        for (int i = 0; i < 1_500; i++) {
            Files.writeString(many.resolve("a file of some length, number " + i + ".txt"), "" + i);
        }
        Files.writeString(tree.resolve("srv/\u00fcber.txt"), "over");
        Files.writeString(tree.resolve("secret"), "no");
        Files.setPosixFilePermissions(tree.resolve("secret"), PosixFilePermissions.fromString("rw-r-----"));
        Path closed = Files.createDirectory(tree.resolve("closed"));
        Files.writeString(closed.resolve("inside"), "no");
        Files.setPosixFilePermissions(closed, PosixFilePermissions.fromString("rwxr-x---"));
        link("srv/absolute", "/size-1");
        link("srv/relative", "../size-63");
        link("srv/above", "../../../../../../etc/hostname");
        link("srv/host", "/etc/hostname");
        link("srv/folder", "/srv/many");
        link("srv/loop", "loop");
        link("srv/dangling", "nowhere");
        mknod(tree.resolve("srv/device"), "c", "1", "3");
        mknod(tree.resolve("srv/pipe"), "p");
        image = RootfsImageBuilder.make(tree, folder, new Digest("ab".repeat(32)));
        assertThat(ImageFile.reads(image)).isTrue();
    }

    private static void link(String at, String target) throws IOException {
        Files.createSymbolicLink(tree.resolve(at), Path.of(target));
    }

    private static void mknod(Path at, String... kind) throws Exception {
        var command = new java.util.ArrayList<>(java.util.List.of("mknod", at.toString()));
        command.addAll(java.util.List.of(kind));
        assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
    }

    private static Optional<byte[]> read(Path from, String path) throws IOException {
        Optional<ImageFile> found = ImageFile.open(from, path);
        if (found.isEmpty()) {
            return Optional.empty();
        }
        try (ImageFile file = found.get()) {
            ByteBuffer all = ByteBuffer.allocate((int) file.size());
            while (all.hasRemaining()) {
                // In pieces that cross the end of the whole blocks.
                ByteBuffer piece = all.slice(all.position(), Math.min(1_000, all.remaining()));
                all.position(all.position() + file.read(piece, all.position()));
            }
            return Optional.of(all.array());
        }
    }

    private static String text(String path) throws IOException {
        return read(image, path).map(b -> new String(b, StandardCharsets.UTF_8)).orElse("(none)");
    }

    @Test
    void files_ofAnySizeAndInLargeFolders_areReadAsTheyAre() throws Exception {
        try (var files = Files.walk(tree)) {
            for (Path one : files.filter(f -> Files.isRegularFile(f, java.nio.file.LinkOption.NOFOLLOW_LINKS))
                    .toList()) {
                String path = "/" + tree.relativize(one);
                boolean open = !path.equals("/secret") && !path.startsWith("/closed");
                Optional<byte[]> read = read(image, path);
                assertThat(read.isPresent()).as(path).isEqualTo(open);
                if (open) {
                    assertThat(read.get()).as(path).isEqualTo(Files.readAllBytes(one));
                }
            }
        }
        try (ImageFile file = ImageFile.open(image, "/size-1").orElseThrow()) {
            assertThat(file.modified()).isEqualTo(THEN);
            assertThatThrownBy(() -> file.read(ByteBuffer.allocate(1), 1)).isInstanceOf(IOException.class);
        }
    }

    @Test
    void links_areFollowedWithinTheImage_andNeverOut() throws Exception {
        assertThat(text("/srv/absolute")).isEqualTo(text("/size-1"));
        assertThat(text("/srv/relative")).isEqualTo(text("/size-63"));
        assertThat(text("/srv/folder/a file of some length, number 7.txt")).isEqualTo("7");
        assertThat(Path.of("/etc/hostname")).exists();
        for (String out : new String[] {
            "/srv/above", "/srv/host", "/srv/loop", "/srv/dangling", "/../etc/hostname", "/srv/../../etc/hostname"
        }) {
            assertThat(text(out)).as(out).isEqualTo("(none)");
        }
    }

    @Test
    void whatIsNoRegularFile_isNotThere() throws Exception {
        for (String path : new String[] {
            "", "/", "/srv", "/srv/", "/srv/device", "/srv/pipe", "/size-1/", "/size-1/x", "/none", "/srv/ma"
        }) {
            assertThat(text(path)).as(path).isEqualTo("(none)");
        }
        assertThat(text("//srv/./many/../\u00fcber.txt")).isEqualTo("over");
    }

    @Test
    void damagedImage_isAnErrorOrAnotherFile_neverAHang() throws Exception {
        Campaign.of("root-files").play(1, this::readDamaged);
    }

    private void readDamaged(long seed) throws Exception {
        Random random = new Random(seed);
        byte[] whole = Files.readAllBytes(image);
        Path damaged = folder.resolve("damaged.erofs");
        int errors = 0;
        for (int round = 0; round < 300; round++) {
            byte[] bytes = whole.clone();
            int reach = round % 2 == 0 ? 2_048 : bytes.length;
            for (int i = 0; i < 40; i++) {
                bytes[1_024 + random.nextInt(reach - 1_024)] = (byte) random.nextInt();
            }
            if (round % 2 == 1) {
                bytes = java.util.Arrays.copyOf(bytes, random.nextInt(bytes.length));
            }
            Files.write(damaged, bytes);
            for (String path :
                    new String[] {"/size-300000", "/srv/many/a file of some length, number 9.txt", "/srv/loop"}) {
                try {
                    read(damaged, path);
                } catch (IOException e) {
                    errors++;
                }
            }
        }
        assertThat(errors).isPositive();
    }
}
