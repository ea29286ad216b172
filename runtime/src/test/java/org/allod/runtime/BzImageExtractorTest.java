package org.allod.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The guests' own kernel, and images made by hand after the two format descriptions. */
class BzImageExtractorTest {
    /** Two sectors of set-up code, then the payload, here at once. */
    private static byte[] image(int size, byte... blocks) {
        ByteBuffer image = ByteBuffer.allocate(1024 + 4 + blocks.length + 4).order(ByteOrder.LITTLE_ENDIAN);
        image.put(0x1f1, (byte) 1).putInt(0x24c, 4 + blocks.length + 4);
        image.position(1024).putInt(0x184c2102).put(blocks).putInt(size);
        return image.array();
    }

    private static byte[] block(byte... sequences) {
        return ByteBuffer.allocate(4 + sequences.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(sequences.length)
                .put(sequences)
                .array();
    }

    @Test
    void ofTheGuestsKernel_isTheElfFileThatItsHeaderPromises() throws Exception {
        new GuestKernel(GuestBinary.tools()).install(System.out::println);
        byte[] packed = Files.readAllBytes(GuestBinary.tools().resolve("kernel/vmlinuz"));
        byte[] plain = BzImageExtractor.of(packed).orElseThrow();
        assertThat(plain).startsWith(0x7f, 'E', 'L', 'F').hasSizeGreaterThan(2 * packed.length);
        // Its table of sections is near its end, and says where their names are (elf(5)).
        ByteBuffer elf = ByteBuffer.wrap(plain).order(ByteOrder.LITTLE_ENDIAN);
        long table = elf.getLong(0x28);
        int names = elf.getShort(0x3e) * elf.getShort(0x3a);
        int from = (int) elf.getLong((int) table + names + 0x18);
        int size = (int) elf.getLong((int) table + names + 0x20);
        assertThat(table).isGreaterThan(plain.length / 2);
        assertThat(new String(plain, from, size, StandardCharsets.ISO_8859_1))
                .contains("\0.rodata\0", "\0.init.text\0");
    }

    @Test
    void ofABlockThatRepeatsItself_isWhatItStandsFor() {
        // Four literals, then all of them again and again: a match of 508 at a distance of 4; then one literal.
        byte[] packed = block(
                (byte) 0x4f,
                (byte) 0x7f,
                (byte) 'E',
                (byte) 'L',
                (byte) 'F',
                (byte) 4,
                (byte) 0,
                (byte) 255,
                (byte) 234,
                (byte) 0x10,
                (byte) '!');
        byte[] plain = BzImageExtractor.of(image(513, packed)).orElseThrow();
        assertThat(plain).hasSize(513).endsWith('!');
        for (int i = 0; i < 512; i++) {
            assertThat(plain[i]).isEqualTo(plain[i % 4]);
        }
    }

    @Test
    void ofAnythingElse_isNothing() {
        byte[] good = image(
                513,
                block(
                        (byte) 0x4f,
                        (byte) 0x7f,
                        (byte) 'E',
                        (byte) 'L',
                        (byte) 'F',
                        (byte) 4,
                        (byte) 0,
                        (byte) 255,
                        (byte) 234,
                        (byte) 0x10,
                        (byte) '!'));
        assertThat(BzImageExtractor.of(good)).isPresent();
        assertThat(BzImageExtractor.of(new byte[0])).isEmpty();
        assertThat(BzImageExtractor.of(new byte[4096])).isEmpty();
        for (int length = 0; length < good.length; length++) {
            assertThat(BzImageExtractor.of(Arrays.copyOf(good, length))).isEmpty();
        }
        Random random = new Random(7);
        for (int i = 0; i < 20_000; i++) {
            byte[] bad = good.clone();
            bad[random.nextInt(bad.length)] ^= (byte) (1 << random.nextInt(8));
            // Some bits stand for nothing, and some for another letter; none of it may end in anything but an answer.
            BzImageExtractor.of(bad).ifPresent(plain -> assertThat(plain.length).isLessThanOrEqualTo(256 << 20));
        }
    }

    @Test
    void bootFiles_forEachProcessor_areMadeOnce_andAnOldKernelGoes(@TempDir Path folder) throws Exception {
        GuestKernel kernel = new GuestKernel(GuestBinary.tools());
        kernel.install(System.out::println);
        Files.writeString(folder.resolve("vmlinux-0123456789abcdef"), "of another kernel");
        BootArtifacts files = new BootArtifacts(kernel, GuestBinary.path(), folder);
        BootArtifacts.Made emulated = files.get(false);
        assertThat(emulated.kernel()).hasParent(folder).exists();
        assertThat(folder.resolve("vmlinux-0123456789abcdef")).doesNotExist();
        assertThat(files.get(true).kernel()).isEqualTo(kernel.vmlinuz());
        Object made = Files.getAttribute(emulated.kernel(), "unix:ino");
        assertThat(new BootArtifacts(kernel, GuestBinary.path(), folder).get(false))
                .isEqualTo(emulated);
        assertThat(Files.getAttribute(emulated.kernel(), "unix:ino")).isEqualTo(made);
        Files.delete(emulated.kernel());
        assertThat(files.get(false).kernel()).exists();
    }
}
