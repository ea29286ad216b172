package org.allod.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import org.allod.base.RejectedException;
import org.allod.soak.Campaign;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TarReaderTest {
    @TempDir
    Path scratch;

    /** What GNU tar writes in each of its formats, this reads as GNU tar lists it. */
    @Test
    void formatsOfGnuTar_areReadAsItListsThem() throws Exception {
        Path tree = Files.createDirectories(scratch.resolve("tree"));
        String deep = "a".repeat(90) + "/" + "b".repeat(90) + "/" + "c".repeat(60);
        Files.createDirectories(tree.resolve(deep));
        Files.writeString(tree.resolve(deep).resolve("file"), "content");
        Files.createSymbolicLink(tree.resolve("link"), Path.of("x".repeat(150)));
        Files.createLink(tree.resolve("hard"), tree.resolve(deep).resolve("file"));
        MountedImage.run("mkfifo", tree.resolve("pipe").toString());
        MountedImage.run("mknod", tree.resolve("node").toString(), "b", "259", "70000");
        MountedImage.run("chown", "2097152:4000000", tree.resolve("pipe").toString());
        String[] seen = new String[2];
        for (String format : new String[] {"gnu", "pax"}) {
            byte[] tar =
                    MountedImage.bytes("tar", "--format=" + format, "--sort=name", "-C", tree.toString(), "-cf-", ".");
            StringBuilder all = new StringBuilder();
            TarReader reader = new TarReader(new ByteArrayInputStream(tar));
            for (TarEntry entry = reader.next(); entry != null; entry = reader.next()) {
                all.append("%s %s %s %d %o %d:%d %d,%d%n"
                        .formatted(
                                entry.type(),
                                entry.path(),
                                entry.link(),
                                entry.size(),
                                entry.mode(),
                                entry.uid(),
                                entry.gid(),
                                entry.major(),
                                entry.minor()));
            }
            seen[format.equals("gnu") ? 0 : 1] = all.toString();
        }
        assertThat(seen[0])
                .isEqualTo(seen[1])
                .contains("SYMLINK ./link " + "x".repeat(150))
                .contains("FIFO ./pipe  0 644 2097152:4000000")
                .contains("BLOCK_DEVICE ./node  0 644 0:0 259,70000")
                .contains("./" + deep + "/file");
    }

    @Test
    void damagedArchives_areRefused_andNothingElseHappens() throws Exception {
        Campaign.of("archives").play(1, this::readDamaged);
    }

    private void readDamaged(long seed) throws Exception {
        Random random = new Random(seed);
        byte[] good = new TarMaker()
                .folder("d")
                .file("d/f", "content".repeat(100))
                .pax(Map.of("path", "long/name", "mtime", "12.5", "SCHILY.xattr.user.a", "b", "size", "3"))
                .file("x", "abc")
                .symlink("l", "t".repeat(120))
                .hardLink("h", "d/f")
                .bytes();
        int refused = 0;
        for (int i = 0; i < 4_000; i++) {
            byte[] bad = good.clone();
            for (int j = random.nextInt(4); j >= 0; j--) {
                int at = random.nextInt(bad.length);
                bad[at] = (byte) random.nextInt(256);
                if (random.nextBoolean()) {
                    checksum(bad, at / 512 * 512);
                }
            }
            RootfsTree tree = new RootfsTree(ImageLimits.DEFAULT);
            try {
                reader(tree, i).apply(new ByteArrayInputStream(bad), 0);
            } catch (RejectedException | EOFException e) {
                refused++;
            }
        }
        assertThat(refused).as("of 4,000 damaged archives").isGreaterThan(1000);
    }

    private LayerApplier reader(RootfsTree tree, int i) throws IOException {
        return new LayerApplier(tree, new FileContentStore(scratch.resolve("contents" + i)));
    }

    /** Makes the header's checksum right again, so that the damage reaches what lies behind the check. */
    private static void checksum(byte[] tar, int at) {
        int sum = 8 * ' ';
        for (int i = 0; i < 512; i++) {
            sum += i >= 148 && i < 156 ? 0 : tar[at + i] & 0xff;
        }
        byte[] digits = "%06o\0 ".formatted(sum).getBytes();
        System.arraycopy(digits, 0, tar, at + 148, 8);
    }
}
